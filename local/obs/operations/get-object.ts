import { validateHeaderValue } from 'node:http';
import { conditionsOf, isWanted } from '../conditions';
import { ObsError } from '../errors';
import { addressOf, type Operation, objectHeaders, openObject } from '../operation';
import { requireReadable } from '../storage-class';

const OVERRIDABLE = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];

/** Bytes of one read: four times the default halves the time of a large download. */
const READ_BYTES = 256 * 1024;

/** GET /bucket/key */
export const getObject: Operation = async (call) => {
  const { object, file } = await openObject(call, addressOf(call));
  try {
    const { headers, query, dialect } = call.request;
    const answerHeaders = objectHeaders(object, dialect);
    if (!isWanted(object, conditionsOf(headers))) {
      await file.close();
      return { status: 304, headers: answerHeaders };
    }
    requireReadable(object);
    for (const name of OVERRIDABLE) {
      const value = query.get(`response-${name}`);
      if (value !== undefined) answerHeaders[name] = headerValue(name, value);
    }
    const range = parseRange(headers.get('range'), object.sizeBytes);
    const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
    answerHeaders['content-length'] = String(end - start + 1);
    if (range !== undefined) answerHeaders['content-range'] = `bytes ${start}-${end}/${object.sizeBytes}`;
    const body = end < start ? undefined : file.createReadStream({ start, end, highWaterMark: READ_BYTES });
    if (body === undefined) await file.close();
    return {
      status: range === undefined ? 200 : 206,
      headers: answerHeaders,
      ...(body !== undefined && { body }),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
};

/** A value as UTF-8 bytes, which is how browsers read file names. @throws ObsError InvalidArgument */
function headerValue(name: string, value: string): string {
  const text = Buffer.from(value).toString('latin1');
  try {
    validateHeaderValue(name, text);
  } catch {
    throw new ObsError('InvalidArgument', `response-${name} holds a character that no header can hold.`);
  }
  return text;
}

/**
 * The bytes that a Range header names, both ends included. Undefined without the header, and for a header that is not a
 * single range of bytes (RFC 9110 lets a server ignore those).
 *
 * @throws ObsError InvalidRange if the object has none of the bytes
 */
function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if ((first === '' && last === '') || (first !== '' && last !== '' && Number(last) < Number(first)))
    return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start > end) {
    throw new ObsError(
      'InvalidRange',
      `The object has ${sizeBytes} bytes, the requested range cannot be satisfied.`,
      { RangeRequested: header ?? '', ActualObjectSize: String(sizeBytes) },
      { 'content-range': `bytes */${sizeBytes}` },
    );
  }
  return { start, end };
}
