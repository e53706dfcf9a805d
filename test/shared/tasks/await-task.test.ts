import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openInvocation } from '../../../shared/installation/invocation';
import { awaitTask, NoSuchTask } from '../../../shared/tasks/await-task';
import { functionContext, userData } from '../function-context';

/** Answers each look at the task with the next status; the last one stays. */
let statuses: string[] = [];
let looks = 0;
let server: Server;
let endpoint: string;

beforeAll(async () => {
  server = createServer((_, response) => {
    const status = statuses[Math.min(looks++, statuses.length - 1)];
    response.end(JSON.stringify({ task_array: status ? [{ task_id: '7', status }] : [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  looks = 0;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const invocationOf = (remainingMs: number) =>
  openInvocation({
    ...functionContext({ ...userData, MPC_ENDPOINT: endpoint }),
    getRemainingTimeInMilliSeconds: () => remainingMs,
  });

describe('waiting for a task', () => {
  test.each(['SUCCEEDED', 'FAILED', 'CANCELED'])('ends when it is %s', async (final) => {
    statuses = ['PROCESSING', final];
    expect(await awaitTask('7', 20, invocationOf(28_000))).toMatchObject({ status: final });
    expect(looks).toBe(2);
  });

  test('ends with the task as it is when the time is up, after a few looks with growing pauses', async () => {
    statuses = ['PROCESSING'];
    expect(await awaitTask('7', 3, invocationOf(28_000))).toMatchObject({ status: 'PROCESSING' });
    // After 0.5, 1.5 and 3 s, give or take a quarter of each pause.
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThanOrEqual(5);
  });

  test('ends before the invocation does, however long it was to wait', async () => {
    statuses = ['WAITING'];
    const invocation = invocationOf(3_000);
    expect(await awaitTask('7', 900, invocation)).toMatchObject({ status: 'WAITING' });
    expect(Date.now()).toBeLessThan(invocation.deadlineMs);
  });

  test('of 0 s looks once', async () => {
    statuses = ['WAITING', 'SUCCEEDED'];
    expect(await awaitTask('7', 0, invocationOf(28_000))).toMatchObject({ status: 'WAITING' });
    expect(looks).toBe(1);
  });

  test('for a task that does not exist ends at once', async () => {
    statuses = [];
    await expect(awaitTask('7', 20, invocationOf(28_000))).rejects.toThrow(new NoSuchTask('7'));
    expect(looks).toBe(1);
  });
});
