import assert from 'node:assert/strict';
import { validateHeaderValue } from 'node:http';
import type { ApiResponse } from '../../shared/api/gateway';
import {
  type CreateBody,
  type RecordedRequest,
  SNAPSHOT_BUCKET,
  UPLOAD_BUCKETS,
  UPLOAD_PREFIX,
} from './recording-services';

// Plain assertions: jest's `expect` would take more time than the functions.

const SECRETS = ['TEMPORARYACCESSKEY', 'temporary-secret-key', 'temporary-security-token', 'Signature='];
export const ALL_BUCKETS = [...UPLOAD_BUCKETS, SNAPSHOT_BUCKET];
/** An answer that is wrong must stay readable, whatever was sent. */
const MAX_ERROR_CHARACTERS = 20_000;

/** What must be true of every answer of the API. @returns its body */
export function checkAnswer(
  answer: ApiResponse,
  statuses: readonly number[],
  requestId: string,
): Record<string, unknown> {
  assert.deepEqual(Object.keys(answer).sort(), ['body', 'headers', 'isBase64Encoded', 'statusCode']);
  assert.equal(answer.isBase64Encoded, false);
  assert(statuses.includes(answer.statusCode), `status ${answer.statusCode}: ${answer.body}`);
  for (const [name, value] of Object.entries(answer.headers)) validateHeaderValue(name, value);
  const { 'content-type': type, location } = answer.headers;
  assert.equal(answer.statusCode === 302, location !== undefined);
  if (answer.statusCode === 204 || answer.statusCode === 302) {
    assert.equal(answer.body, '');
    return {};
  }
  if (type !== 'application/json') {
    assert.equal(answer.statusCode, 200);
    assert.match(answer.body, type === 'text/vtt' ? /^WEBVTT\n/ : /^<!doctype html>\n/);
    return {};
  }
  const body = JSON.parse(answer.body);
  if (answer.statusCode < 400) return body;
  assert(answer.body.length < MAX_ERROR_CHARACTERS, `an answer of ${answer.body.length} characters`);
  checkNoSecret(answer.body);
  const { details, ...others } = body;
  assert.deepEqual(Object.keys(others).sort(), ['error_code', 'error_msg', 'request_id']);
  assert.match(others.error_code, /^[A-Z]+\.\d+$/);
  assert.match(others.error_msg, /./);
  assert.equal(others.request_id, requestId);
  if (body.error_code === 'MPC.10202') {
    assert(details.length > 0, 'no details');
    for (const { path, message, ...unknown } of details) {
      assert.equal(typeof path, 'string');
      assert.match(message, /^(must|is)\b/);
      assert.deepEqual(unknown, {});
    }
  }
  return body;
}

export function checkNoSecret(text: string): void {
  for (const secret of SECRETS) assert(!text.includes(secret), `${secret} in ${text}`);
}

/** Nothing but the buckets of the installation is named, and nothing but records is written to OBS. */
export function checkRequests(requests: readonly RecordedRequest[]): void {
  for (const request of requests) {
    const { service, method, bucket, key } = request;
    if (service === 'OBS') {
      assert(ALL_BUCKETS.includes(bucket), `OBS was asked for the bucket ${bucket}`);
      assert(method === 'GET' || method === 'PUT', method);
      if (method === 'PUT') assert.match(`${bucket}/${key}`, /^snapshots\/\.mpc-snapshots\/[\w/.~-]+\.json$/);
    } else if (method === 'POST') {
      checkCreateBody(JSON.parse(request.body));
    } else {
      checkMpcQuery(request.query);
    }
  }
}

function checkCreateBody({ input, output }: CreateBody): void {
  assert(UPLOAD_BUCKETS.includes(input.bucket), `MPC was sent the bucket ${input.bucket}`);
  assert(ALL_BUCKETS.includes(output.bucket), `MPC was sent the bucket ${output.bucket}`);
  for (const { location, object } of [input, output]) {
    assert.equal(location, 'ap-southeast-3');
    assert.notEqual(object, '');
  }
  if (output.bucket !== SNAPSHOT_BUCKET) assert(!output.object.startsWith(UPLOAD_PREFIX), output.object);
}

/** MPC API reference, "Querying snapshot tasks". */
function checkMpcQuery(parameters: URLSearchParams): void {
  assert(parameters.getAll('task_id').length <= 10, 'more than 10 ids');
  for (const [name, value] of parameters) {
    if (name === 'task_id') assert.match(value, /^[A-Za-z0-9]{1,16}$/);
    else if (name === 'status') assert.match(value, /^(WAITING|PROCESSING|SUCCEEDED|FAILED|CANCELED)$/);
    else if (name.endsWith('_time')) assert.match(value, /^\d{14}$/);
    else if (name === 'page' || name === 'size') assert.match(value, /^\d+$/);
    else if (name === 'bucket') assert(UPLOAD_BUCKETS.includes(value), value);
  }
}

/** Of each API function, what it may do; nobody deletes objects, only create creates, and whoever sees a task's end keeps it. */
export function checkOnlyAllowedMethods(
  name: 'create' | 'cancel' | 'query',
  requests: readonly RecordedRequest[],
): void {
  const used = new Set(requests.map(({ service, method }) => `${method} ${service}`));
  const allowed = {
    create: ['POST MPC', 'GET MPC', 'GET OBS', 'PUT OBS'],
    cancel: ['DELETE MPC', 'GET MPC', 'GET OBS', 'PUT OBS'],
    query: ['GET MPC', 'GET OBS', 'PUT OBS'],
  }[name];
  assert.deepEqual(
    [...used].filter((request) => !allowed.includes(request)),
    [],
  );
}
