import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openInvocation } from '../../../shared/installation/invocation';
import { awaitTask, NoSuchTask } from '../../../shared/tasks/await-task';
import { functionContext, userData } from '../function-context';

/** MPC answers each look at the task with the next status; the last one stays. `429` is a refusal. */
let statuses: string[] = [];
let looks = 0;
/** After how many looks OBS has the result; never unless set. */
let keptAfterLooks = Number.POSITIVE_INFINITY;
let obsStatus = 404;
let server: Server;
let endpoint: string;

const KEPT = { task_id: '7', status: 'SUCCEEDED', description: 'kept' };

beforeAll(async () => {
  server = createServer((request, response) => {
    if (!request.url?.startsWith('/v1/')) {
      if (looks >= keptAfterLooks) {
        const isPointer = request.url?.includes('/tasks/7.json') === true;
        return response.end(JSON.stringify(isPointer ? { result: 'kept.json' } : { task: KEPT }));
      }
      return response.writeHead(obsStatus).end('<Error><Code>NoSuchKey</Code></Error>');
    }
    const status = statuses[Math.min(looks++, statuses.length - 1)];
    if (status === '429') return response.writeHead(429, { 'retry-after': '60' }).end('{}');
    const input = { bucket: userData.UPLOAD_BUCKETS, object: 'a.mp4' };
    const output = { bucket: userData.SNAPSHOT_BUCKET, object: 'snapshots/a.mp4' };
    return response.end(
      JSON.stringify({ task_array: status ? [{ task_id: '7', status, input, output }] : [] }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  looks = 0;
  keptAfterLooks = Number.POSITIVE_INFINITY;
  obsStatus = 404;
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const invocationOf = (remainingMs: number) =>
  openInvocation({
    ...functionContext({
      ...userData,
      MPC_ENDPOINT: endpoint,
      OBS_ENDPOINT: endpoint,
      MPC_READS_PER_MINUTE: '1000',
    }),
    getRemainingTimeInMilliSeconds: () => remainingMs,
  });

describe('waiting for a task', () => {
  test.each(['SUCCEEDED', 'FAILED', 'CANCELED'])('ends when MPC says that it is %s', async (final) => {
    statuses = ['PROCESSING', final];
    expect(await awaitTask('7', 20, invocationOf(28_000))).toEqual({
      task: expect.objectContaining({ status: final }),
    });
    expect(looks).toBe(2);
  });

  test('ends with the result that is kept, without asking MPC', async () => {
    keptAfterLooks = 0;
    expect(await awaitTask('7', 20, invocationOf(28_000))).toMatchObject({ task: KEPT });
    expect(looks).toBe(0);
  });

  test('ends when the result is kept, although MPC still says otherwise', async () => {
    statuses = ['PROCESSING'];
    keptAfterLooks = 1;
    expect(await awaitTask('7', 20, invocationOf(28_000))).toMatchObject({ task: KEPT });
    expect(looks).toBe(1);
  });

  test('ends with the task in its present state when the time is up, after a few reads with growing pauses', async () => {
    statuses = ['PROCESSING'];
    expect(await awaitTask('7', 3, invocationOf(28_000))).toEqual({
      task: expect.objectContaining({ status: 'PROCESSING' }),
    });
    // At once, after 1 and 3 s at the earliest, and at the end.
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThanOrEqual(4);
  });

  test('ends with the task as it was last seen when MPC cannot be asked any more', async () => {
    statuses = ['PROCESSING', '429'];
    const before = Date.now();
    const { task, asOfMs } = await awaitTask('7', 2, invocationOf(28_000));
    expect(task).toMatchObject({ status: 'PROCESSING' });
    expect(asOfMs).toBeGreaterThanOrEqual(before);
  });

  test('asks MPC if OBS cannot be read', async () => {
    statuses = ['SUCCEEDED'];
    obsStatus = 503;
    expect(await awaitTask('7', 0, invocationOf(20_000))).toMatchObject({ task: { status: 'SUCCEEDED' } });
  });

  test('ends before the invocation does, however long it was to wait', async () => {
    statuses = ['WAITING'];
    const invocation = invocationOf(3_000);
    expect(await awaitTask('7', 900, invocation)).toMatchObject({ task: { status: 'WAITING' } });
    expect(Date.now()).toBeLessThan(invocation.deadlineMs);
  });

  test('of 0 s reads once', async () => {
    statuses = ['WAITING', 'SUCCEEDED'];
    expect(await awaitTask('7', 0, invocationOf(28_000))).toMatchObject({ task: { status: 'WAITING' } });
    expect(looks).toBe(1);
  });

  test('for a task that does not exist ends at once', async () => {
    statuses = [];
    await expect(awaitTask('7', 20, invocationOf(28_000))).rejects.toThrow(new NoSuchTask('7'));
    expect(looks).toBe(1);
  });
});
