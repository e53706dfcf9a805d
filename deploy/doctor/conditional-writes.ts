import { randomUUID } from 'node:crypto';
import { signObsUrl } from '../../shared/signing';
import type { Connection } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import type { Finding } from './finding';

const URL_LIFE_SECONDS = 60;
const TIMEOUT_MS = 10_000;
const HEADER = 'x-obs-forbid-overwrite';

/** The answer of OBS to one request; status 0 without an answer. */
interface Answer {
  status: number;
  /** For example `ObjectAlreadyExists`; may be empty. */
  code: string;
}

/**
 * Checks whether the buckets for records support `x-obs-forbid-overwrite`, which no document of OBS has. It writes one small
 * object twice and deletes it. The object is in the folder of records, under a name that nothing else uses.
 */
export function probeConditionalWrites(desired: DesiredState, connection: Connection): Promise<Finding[]> {
  const buckets = new Set(desired.functions.flatMap(({ userData }) => userData.SNAPSHOT_BUCKET ?? []));
  return Promise.all([...buckets].map((bucket) => probeBucket(bucket, connection)));
}

async function probeBucket(bucket: string, connection: Connection): Promise<Finding> {
  const key = `.mpc-snapshots/probe-${randomUUID()}.json`;
  const point = `conditional writes to ${bucket}`;
  const write = () => ask('PUT', bucket, key, connection);
  const first = await write();
  const answers = isDone(first) ? [first, await write()] : [first];
  // A write without an answer may have been carried out.
  const deleted = await ask('DELETE', bucket, key, connection);
  const finding = { point, ...verdict(answers, bucket) };
  if (isDone(deleted) || !answers.some(mayBeDone)) return finding;
  return {
    ...finding,
    text: `${finding.text}; the object written to find that out could not be deleted (${text(deleted)})`,
    todo: `obsutil rm obs://${bucket}/${key} -f`,
  };
}

/** What the answers to the two writes mean for the functions. */
function verdict([first, second]: readonly Answer[], bucket: string): Omit<Finding, 'point'> {
  const last = second ?? first ?? { status: 0, code: '' };
  if (second !== undefined && isDone(second)) {
    return {
      state: 'note',
      text: `the bucket ignores ${HEADER}: overlapping invocations can make two tasks of one upload`,
      todo: 'leave the concurrency of on-upload at 1 in serverless.yml',
    };
  }
  if (second?.status === 409 && second.code === 'ObjectAlreadyExists') {
    return {
      state: 'ok',
      text: `the bucket honours ${HEADER}: overlapping invocations never make two tasks of one upload`,
    };
  }
  if (last.status === 0 || last.status === 403 || last.status >= 500) {
    return {
      state: 'unseen',
      text: `OBS did not let this key write (${text(last)})`,
      todo: `use a key with obs:object:PutObject and obs:object:DeleteObject on ${bucket}/.mpc-snapshots/*`,
    };
  }
  return {
    state: 'missing',
    text: `a write with ${HEADER} is refused with ${text(last)}; the functions know 409 ObjectAlreadyExists only, for an object that is there, and cannot keep their records`,
    todo: 'use another bucket, or report it: no source says that OBS does this',
  };
}

const isDone = ({ status }: Answer) => status >= 200 && status < 300;
const mayBeDone = (answer: Answer) => isDone(answer) || answer.status === 0 || answer.status >= 500;
const text = ({ status, code }: Answer) => (status === 0 ? 'no answer' : `${status} ${code}`.trim());

async function ask(
  method: 'PUT' | 'DELETE',
  bucket: string,
  key: string,
  { region, credentials, endpoints }: Connection,
): Promise<Answer> {
  const isWrite = method === 'PUT';
  const { origin, path } = signObsUrl(
    {
      method,
      endpoint: endpoints.obs ?? `https://obs.${region}.myhuaweicloud.com`,
      bucket,
      key,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + URL_LIFE_SECONDS,
      ...(isWrite && { contentType: 'application/json', obsHeaders: { [HEADER]: 'true' } }),
    },
    credentials,
  );
  try {
    const response = await fetch(origin + path, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(isWrite && {
        headers: { 'content-type': 'application/json', [HEADER]: 'true' },
        body: '{}',
      }),
    });
    const [, code = ''] = /<Code>(\w+)<\/Code>/.exec(await response.text()) ?? [];
    return { status: response.status, code };
  } catch {
    return { status: 0, code: '' };
  }
}
