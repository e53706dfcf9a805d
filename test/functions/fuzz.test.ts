import assert from 'node:assert/strict';
import fc from 'fast-check';
import { handler as cancel } from '../../functions/cancel';
import { handler as create } from '../../functions/create';
import { handler as onUpload } from '../../functions/on-upload';
import { handler as query } from '../../functions/query';
import type { ApiResponse } from '../../shared/api/gateway';
import type { FunctionContext } from '../../shared/core/context';
import { ALL_BUCKETS, checkAnswer, checkNoSecret, checkOnlyAllowedMethods, checkRequests } from './checks';
import { invalidBody, validBody } from './create-bodies';
import { apiEvent, hostileText, nested, objectEvent, timerEvent } from './hostile-events';
import { installationAt, postEvent } from './installation';
import {
  type CreateBody,
  FOREIGN_TASK,
  type RecordedRequest,
  RecordingServices,
  STRANGE_TASK,
} from './recording-services';

// Checks are plain assertions: jest's `expect` would take more time than the functions.

/** Handler calls of all properties together, about. */
const TOTAL_RUNS = Number(process.env.FUZZ_RUNS ?? 6_000);
const runs = (share: number) => ({ numRuns: Math.max(1, Math.ceil(TOTAL_RUNS * share)) });
const TIMEOUT_MS = 60_000 + TOTAL_RUNS * 10;

let services: RecordingServices;
let context: FunctionContext;
const logLines: string[] = [];

beforeAll(async () => {
  const started = await RecordingServices.start();
  services = started.services;
  context = installationAt(started.origin);
  const keepLine = (line: unknown) => logLines.push(String(line).trimEnd()) > 0;
  jest.spyOn(process.stdout, 'write').mockImplementation(keepLine);
  jest.spyOn(process.stderr, 'write').mockImplementation(keepLine);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await services.stop();
});
beforeEach(() => {
  services.listAnswer = undefined;
  services.take();
});

const API = {
  create: { handler: create, statuses: [200, 202, 400, 422] },
  // MPC's own refusals are handed on; of these the double has only 400.
  cancel: { handler: cancel, statuses: [204, 400, 404] },
  query: { handler: query, statuses: [200, 302, 400, 404, 422] },
};
type ApiName = keyof typeof API;

/** Calls an API function and checks what must be true of every answer and of every request that it sent. */
async function callApi(name: ApiName, event: unknown, statuses: readonly number[] = API[name].statuses) {
  services.take();
  const answer = (await API[name].handler(event, context)) as ApiResponse;
  const requests = services.take();
  checkLog();
  checkRequests(requests);
  checkOnlyAllowedMethods(name, requests);
  const body = checkAnswer(answer, statuses, context.getRequestID());
  return { answer, body, requests };
}

function checkLog(): void {
  for (const line of logLines.splice(0)) {
    assert.match(JSON.parse(line).level, /^(info|warn|error)$/);
    checkNoSecret(line);
  }
}

const creates = (requests: readonly RecordedRequest[]) =>
  requests.filter(({ service, method }) => service === 'MPC' && method === 'POST');

const PLAIN_WORDS = /^(not an OBS event: |\d+ of \d+ captures could not be started: )/;

/** Calls on-upload; a rejection must be an Error in plain words. */
async function callOnUpload(event: unknown) {
  services.take();
  const outcome = await onUpload(event, context).catch((error: unknown) => error);
  const requests = services.take();
  checkLog();
  checkRequests(requests);
  if (outcome instanceof Error) assert.match(outcome.message, PLAIN_WORDS);
  else assert(typeof outcome === 'object' && outcome !== null, 'neither a result nor an Error');
  return { outcome, requests };
}

describe('whatever the event is', () => {
  test(
    'each function answers as documented and calls no create',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (event) => {
          for (const name of ['create', 'cancel', 'query'] as const) {
            const { answer, requests } = await callApi(name, event);
            assert.equal(answer.statusCode, 400);
            assert.deepEqual(requests, []);
          }
          const { outcome, requests } = await callOnUpload(event);
          assert(outcome instanceof Error);
          assert.deepEqual(requests, []);
        }),
        runs(0.04),
      );
    },
    TIMEOUT_MS,
  );
});

describe('events almost as API Gateway sends them', () => {
  test.each([
    ['create', 0.16],
    ['cancel', 0.08],
    ['query', 0.11],
  ] as const)(
    '%s answers as documented',
    async (name, share) => {
      await fc.assert(
        fc.asyncProperty(apiEvent, async (event) => {
          const { answer, requests } = await callApi(name, event);
          // A refusal of ours, which MPC was not asked about. The double refuses only cancellations.
          if (answer.statusCode === 400 && answer.body.includes('MPC.10202')) assert.deepEqual(requests, []);
          if (name === 'create') assert.equal(creates(requests).length, answer.statusCode === 202 ? 1 : 0);
        }),
        runs(share),
      );
    },
    TIMEOUT_MS,
  );
});

describe('bodies of POST /snapshots', () => {
  const post = (body: string, headers: Record<string, string> = {}, dryRun = false) =>
    postEvent(body, { headers, queryStringParameters: dryRun ? { dry_run: 'true' } : {} });

  test(
    'what the documents allow is sent once, unchanged',
    async () => {
      await fc.assert(
        fc.asyncProperty(validBody, fc.boolean(), async (body, dryRun) => {
          const { answer, requests } = await callApi('create', post(JSON.stringify(body), {}, dryRun));
          assert.equal(answer.statusCode, dryRun ? 200 : 202);
          assert.equal(creates(requests).length, dryRun ? 0 : 1);
          for (const request of creates(requests)) {
            const { input } = JSON.parse(request.body) as CreateBody;
            const { file_name, ...asked } = body.input as { file_name?: string };
            assert.deepEqual(input, { location: 'ap-southeast-3', ...asked });
          }
        }),
        runs(0.04),
      );
    },
    TIMEOUT_MS,
  );

  test(
    'an Idempotency-Key of any form makes at most one create call',
    async () => {
      await fc.assert(
        fc.asyncProperty(validBody, hostileText, async (body, key) => {
          const { answer, requests } = await callApi(
            'create',
            post(JSON.stringify(body), { 'Idempotency-Key': key }),
          );
          assert.equal(creates(requests).length, answer.statusCode === 202 ? 1 : 0);
          assert.equal(answer.statusCode === 400, !/^[ -~]{1,255}$/.test(key));
        }),
        runs(0.03),
      );
    },
    TIMEOUT_MS,
  );

  test(
    'one forbidden field is named, and nothing is called',
    async () => {
      await fc.assert(
        fc.asyncProperty(invalidBody, fc.boolean(), async ({ text, path }, dryRun) => {
          const { answer, body: error, requests } = await callApi('create', post(text, {}, dryRun));
          assert.equal(answer.statusCode, 400);
          assert.equal(error.error_code, 'MPC.10202');
          const paths = (error.details as { path: string }[]).map((detail) => detail.path);
          assert(paths.includes(path), `${path} is not among ${paths}`);
          assert.deepEqual(requests, []);
        }),
        runs(0.21),
      );
    },
    TIMEOUT_MS,
  );
});

describe('events almost as OBS sends them', () => {
  test(
    'on-upload settles every record or says in plain words what it could not do',
    async () => {
      await fc.assert(
        fc.asyncProperty(objectEvent, async (event) => {
          const { outcome, requests } = await callOnUpload(event);
          if (outcome instanceof Error) return;
          const { records } = outcome as { records: Record<string, unknown>[] };
          assert.equal(records.length, 'Records' in event ? (event.Records as unknown[]).length : 1);
          const started = records.filter((record) => 'started' in record);
          assert(
            records.every((record) => 'started' in record || 'skipped' in record),
            'a record without outcome',
          );
          const captured = creates(requests).map(({ body }) => JSON.parse(body).input.object);
          assert.deepEqual(
            captured,
            started.map(({ key }) => key),
          );
        }),
        runs(0.18),
      );
    },
    TIMEOUT_MS,
  );
});

describe('timers with any user_event', () => {
  const said = (userEvent: unknown): Record<string, unknown> => {
    try {
      return Object(JSON.parse(String(userEvent)));
    } catch {
      return {};
    }
  };

  test(
    'cancel reports what it did, and touches only tasks of its buckets',
    async () => {
      await fc.assert(
        fc.asyncProperty(timerEvent, async (event) => {
          services.take();
          const report = await cancel(event, context);
          expect(report).toMatchObject({ seen: 2, failed: 0 });
          const requests = services.take();
          checkLog();
          checkRequests(requests);
          checkOnlyAllowedMethods('cancel', requests);
          const cancelled = requests.flatMap(({ method, query }) =>
            method === 'DELETE' ? query.getAll('task_id') : [],
          );
          assert(!cancelled.includes(FOREIGN_TASK), 'a task of another bucket was cancelled');
          const { include_foreign_tasks: isWanted, everybodys } = said(event.user_event);
          assert.equal(cancelled.includes(STRANGE_TASK), (isWanted ?? everybodys) === true);
        }),
        runs(0.01),
      );
    },
    TIMEOUT_MS,
  );

  test(
    'on-upload reports what it swept; a dry run writes nothing',
    async () => {
      await fc.assert(
        fc.asyncProperty(timerEvent, async (event) => {
          const { outcome, requests } = await callOnUpload(event);
          expect(outcome).toMatchObject({ looked_at: 4, failed: 0, complete: true });
          if (said(event.user_event).dry_run === true) {
            assert.deepEqual(
              requests.filter(({ method }) => method !== 'GET'),
              [],
            );
          }
        }),
        runs(0.01),
      );
    },
    TIMEOUT_MS,
  );
});

describe('whatever MPC lists', () => {
  const task = fc.record(
    {
      task_id: fc.oneof(hostileText, fc.jsonValue()),
      status: fc.oneof(fc.constantFrom('SUCCEEDED', 'NO_TASK'), fc.jsonValue()),
      create_time: fc.jsonValue(),
      output: fc.record({
        bucket: fc.oneof(fc.constantFrom('snapshots', 'somebody-elses'), hostileText),
        object: hostileText,
      }),
      output_file_name: fc.oneof(hostileText, fc.constant('a.tar')),
      user_data: fc.oneof(
        hostileText,
        fc.jsonValue().map((value) => JSON.stringify({ 'mpc-snapshots': value })),
        fc.integer({ min: 1, max: 5000 }).map((depth) => nested(depth)),
      ),
      thumbnail_info: fc.oneof(fc.array(fc.record({ pic_name: hostileText })), fc.jsonValue()),
    },
    { requiredKeys: ['status'] },
  );
  const listAnswer = fc.oneof(
    {
      arbitrary: fc
        .record(
          { task_array: fc.array(task, { maxLength: 3 }), total: fc.jsonValue() },
          { requiredKeys: ['task_array'] },
        )
        .map((value) => JSON.stringify(value)),
      weight: 4,
    },
    { arbitrary: fc.json(), weight: 1 },
    { arbitrary: hostileText, weight: 1 },
  );

  test(
    'query answers, and addresses lie in this installation’s buckets only',
    async () => {
      await fc.assert(
        fc.asyncProperty(listAnswer, fc.constantFrom('/snapshots', '/snapshots/1'), async (text, path) => {
          services.listAnswer = text;
          const { body } = await callApi('query', { httpMethod: 'GET', path }, [200, 404, 502]);
          for (const [, url = ''] of JSON.stringify(body).matchAll(/"url":"(http:[^"]*)"/g)) {
            assert(ALL_BUCKETS.includes(new URL(url).pathname.split('/')[1] ?? ''), url);
          }
        }),
        runs(0.02),
      );
    },
    TIMEOUT_MS,
  );
});
