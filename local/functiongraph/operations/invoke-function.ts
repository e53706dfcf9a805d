import type { Operation } from '../operation';
import { functionOfUrn, runNow } from '../platform';

/** How much of the log `X-Cff-Log-Type: tail` returns. */
const LOG_TAIL_BYTES = 2048;

/**
 * Runs a function and waits. If the function fails, the answer has status 200 and the headers `X-Is-Func-Err` and
 * `X-Func-Err-Code`. `X-CFF-Request-Version: v0` requests the bare result, `v1` an envelope.
 */
export const invokeFunction: Operation = {
  method: 'POST',
  path: 'fgs/functions/{urn}/invocations',
  async handle(platform, { params, headers, body }) {
    const deployed = functionOfUrn(platform, params.urn ?? '');
    const {
      requestId,
      isError,
      errorCode,
      body: result,
      log,
      durationMs,
    } = await runNow(platform, deployed, body.toString(), 'SYNC');
    const wantsLog = headers['x-cff-log-type'] === 'tail';
    const tail = wantsLog ? tailOf(log) : '';
    return {
      status: 200,
      headers: {
        'x-cff-request-id': requestId,
        'x-cff-billing-duration': String(Math.ceil(durationMs)),
        'x-cff-invoke-summary': JSON.stringify({
          funcDigest: deployed.code.digest,
          duration: Number(durationMs.toFixed(3)),
          billingDuration: Math.ceil(durationMs),
          memorySize: deployed.configuration.memory_size,
        }),
        'x-is-func-err': String(isError),
        ...(errorCode === undefined ? {} : { 'x-func-err-code': String(errorCode) }),
        ...(wantsLog ? { 'x-cff-function-log': Buffer.from(tail).toString('base64') } : {}),
      },
      body:
        headers['x-cff-request-version'] === 'v0'
          ? result
          : { request_id: requestId, result, log: tail, status: 200 },
    };
  },
};

function tailOf(log: string): string {
  const bytes = Buffer.from(log);
  let start = Math.max(0, bytes.length - LOG_TAIL_BYTES);
  // A tail must not begin in the middle of a character.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString();
}
