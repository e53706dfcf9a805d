import { createServer } from 'node:http';
import fc from 'fast-check';
import { type Cloud, startCloud } from '../../local/cloud';
import { closeServer, listen, readBody } from '../../local/http-server';
import { cancelTask, createTask, listTasks, mpcTime, type Task, tasksMatching } from '../../shared/cloud/mpc';
import { findObject, getJson, listObjects, putJson } from '../../shared/cloud/obs';
import { ServiceRefused } from '../../shared/core/errors';
import { type Invocation, openInvocation } from '../../shared/installation/invocation';
import { functionContext } from '../shared/function-context';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from './cloud-double';

// The double stands for the local cloud in the model-based test: whatever the functions ask, both must answer the same.

const VIDEO_KEYS = ['a.mp4', 'a.mp4.json', 'b c+ä%&.MOV', 'c/d.json', 'ﬀ.mp4', '𝒜.mp4'];
const KEYS = [...VIDEO_KEYS, 'c/'];
/** Task ids count up in both, from another number in each. */
const TASKS = 4;

let local: Cloud;
let double: CloudDouble;
const server = createServer(async (request, response) => {
  const body = (await readBody(request, 100_000)).toString();
  const { method = '', url = '', headers } = request;
  const answer = double.handle({ method, path: url, headers: headers as Record<string, string>, body });
  response.writeHead(answer.status, answer.headers).end(answer.body);
});
let address = '';

beforeAll(async () => {
  address = `http://127.0.0.1:${await listen(server, 0)}`;
});
beforeEach(async () => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  local = await startCloud({ port: 0, mpc: { parallelTasks: 0, callsPerMinute: 1_000_000 } });
  double = new CloudDouble([local.uploadBucket, local.snapshotBucket], {
    ...AS_THE_LOCAL_CLOUD,
    now: Date.now,
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  return local.close();
});
afterAll(() => closeServer(server));

function invocationAt(mpc: string, obs: string): Invocation {
  const { accessKey, region, uploadBucket, snapshotBucket } = local;
  const context = functionContext({
    REGION: region,
    UPLOAD_BUCKETS: uploadBucket,
    SNAPSHOT_BUCKET: snapshotBucket,
    MPC_ENDPOINT: mpc,
    OBS_ENDPOINT: obs,
  });
  return openInvocation({
    ...context,
    getProjectID: () => accessKey.projectId,
    getSecurityAccessKey: () => accessKey.accessKey,
    getSecuritySecretKey: () => accessKey.secretKey,
    getSecurityToken: () => '',
    getRemainingTimeInMilliSeconds: () => 30_000,
  });
}

/** One thing that a function asks; ids are places in the list of tasks that were created. */
type Question = (invocation: Invocation, ids: string[]) => Promise<unknown>;

const key = fc.constantFrom(...KEYS);
const bucket = fc.constantFrom('videos', 'snapshots', 'no-such-bucket');
const question = (name: string, ask: Question) => ({ name, ask, [fc.toStringMethod]: () => name });
const questions = fc.oneof(
  fc
    .tuple(bucket, key, fc.jsonValue({ maxDepth: 1 }))
    .map(([bucket, key, value]) =>
      question(`put ${bucket}/${key}`, (invocation) => putJson(bucket, key, value, invocation)),
    ),
  fc
    .tuple(bucket, key)
    .map(([bucket, key]) =>
      question(`get ${bucket}/${key}`, (invocation) => getJson(bucket, key, invocation)),
    ),
  fc
    .tuple(bucket, key)
    .map(([bucket, key]) =>
      question(
        `find ${bucket}/${key}`,
        async (invocation) => (await findObject(bucket, key, invocation))?.etag,
      ),
    ),
  fc
    .tuple(bucket, fc.constantFrom('', 'a', 'c/', 'zzz'), fc.option(key, { nil: undefined }))
    .map(([bucket, prefix, marker]) =>
      question(`list ${bucket}/${prefix} after ${marker}`, async (invocation) => {
        const from = { prefix, ...(marker !== undefined && { marker }) };
        const { objects, isTruncated } = await listObjects(bucket, from, invocation);
        return { isTruncated, objects: objects.map(({ lastModifiedMs, ...object }) => object) };
      }),
    ),
  fc
    .tuple(fc.constantFrom(...VIDEO_KEYS), fc.option(fc.string(), { nil: undefined }))
    .map(([object, user_data]) =>
      question(`create ${object} ${user_data}`, async (invocation, ids) => {
        const location = invocation.settings.region;
        const { task_id } = await createTask(
          {
            input: { bucket: 'videos', location, object },
            output: { bucket: 'snapshots', location, object: 'out' },
            thumbnail_para: { type: 'DOTS', dots: [1] },
            original_dir: 1,
            ...(user_data !== undefined && { user_data }),
          },
          invocation,
        );
        ids.push(task_id ?? '');
      }),
    ),
  fc
    .nat(TASKS)
    .map((at) => question(`cancel ${at}`, (invocation, ids) => cancelTask(ids[at] ?? '999999', invocation))),
  fc.array(fc.nat(TASKS), { minLength: 1, maxLength: 3 }).map((places) =>
    question(`tasks ${places}`, async (invocation, ids) => {
      const asked = places.map((at) => ['task_id', ids[at] ?? '999999'] as const);
      return described((await listTasks(asked, invocation)).tasks, ids).sort();
    }),
  ),
  fc.record({ size: fc.integer({ min: 1, max: 3 }), page: fc.nat(3) }).map(({ size, page }) =>
    question(`page ${page} of ${size}`, async (invocation, ids) => {
      const { tasks, isTruncated, total } = await listTasks(
        [
          ['size', String(size)],
          ['page', String(page)],
        ],
        invocation,
      );
      return { tasks: described(tasks, ids), isTruncated, total };
    }),
  ),
  fc
    .record({
      status: fc.constantFrom('', 'WAITING', 'CANCELED'),
      fromMinutes: fc.constantFrom(-10, 10),
      untilMinutes: fc.constantFrom(-10, 10),
    })
    .map(({ status, fromMinutes, untilMinutes }) =>
      question(`tasks ${status} from ${fromMinutes} until ${untilMinutes} min`, async (invocation, ids) => {
        const at = (minutes: number) => mpcTime(Date.now() + minutes * 60_000);
        const filter = [
          ['start_time', at(fromMinutes)],
          ['end_time', at(untilMinutes)],
          ...(status === '' ? [] : [['status', status] as const]),
        ] as const;
        const { tasks } = await tasksMatching(filter, invocation, { calls: 100 });
        return described(tasks, ids);
      }),
    ),
);

/** What the functions look at in a task. */
function described(tasks: readonly Task[], ids: readonly string[]): string[] {
  return tasks.map(({ task_id, status, create_time = '', input, output, user_data }) =>
    JSON.stringify([ids.indexOf(task_id), status, create_time.length, input, output, user_data]),
  );
}

async function answerOf(ask: Question, invocation: Invocation, ids: string[]): Promise<unknown> {
  try {
    return { value: await ask(invocation, ids) };
  } catch (error) {
    if (!(error instanceof ServiceRefused)) throw error;
    return { status: error.status, code: error.code };
  }
}

test('the double answers every question of the functions as the local cloud does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(questions, { maxLength: 12, size: 'max' }), async (asked) => {
      for (const bucket of ['videos', 'snapshots']) {
        double.buckets.get(bucket)?.clear();
        for (const { key } of local.store.list(bucket, {}).objects) await local.store.delete(bucket, key);
      }
      const ids: [string[], string[]] = [[], []];
      for (const { name, ask } of asked) {
        const [expected, answer] = await Promise.all([
          answerOf(ask, invocationAt(local.addresses.mpc, local.addresses.obs), ids[0]),
          answerOf(ask, invocationAt(address, address), ids[1]),
        ]);
        expect({ name, answer }).toEqual({ name, answer: expected });
      }
    }),
    { numRuns: 40 },
  );
});
