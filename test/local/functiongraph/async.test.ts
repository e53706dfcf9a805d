import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FunctionGraphOptions, Invocation } from '../../../local/functiongraph/functiongraph';
import { until } from '../../wait';
import { type Cloud, startCloud, urnOf } from './cloud';

const directory = mkdtempSync(path.join(tmpdir(), 'async-'));
let cloud: Cloud | undefined;
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Fails, and answers when the file that the event names appears. */
const CODE = `
  const fs = require('fs');
  exports.handler = (event, context, callback) => {
    console.log('seen', event.n);
    if (event.fail) throw new Error('failing');
    const wait = () => (!event.gate || fs.existsSync(event.gate) ? callback(null, event.n) : setTimeout(wait, 5));
    wait();
  };`;

async function start(
  options: Partial<Pick<FunctionGraphOptions, 'behaviour' | 'clock'>> = {},
  asyncConfig?: Record<string, unknown>,
  strategy?: Record<string, unknown>,
): Promise<Cloud> {
  cloud = await startCloud(options);
  expect(await cloud.deploy('worker', CODE)).toMatchObject({ status: 200 });
  const all = {
    func_name: 'worker',
    runtime: 'Node.js20.15',
    timeout: 10,
    handler: 'index.handler',
    memory_size: 256,
  };
  const urn = urnOf('worker');
  if (strategy !== undefined) {
    const strategy_config = { ...strategy, concurrent_num: 1 };
    const configured = await cloud.call('PUT', `fgs/functions/${urn}/config`, { ...all, strategy_config });
    expect(configured.status).toBe(200);
  }
  if (asyncConfig !== undefined) {
    const answer = await cloud.call('PUT', `fgs/functions/${urn}/async-invoke-config`, asyncConfig);
    expect(answer.status).toBe(200);
  }
  return cloud;
}

const statesOf = (invocations: Invocation[], requestId: string) =>
  invocations.filter((one) => one.requestId === requestId).map(({ state, attempt }) => `${state} ${attempt}`);

const reached = (one: Cloud, requestId: string, state: Invocation['state']) =>
  until(() => one.invocations.find((entry) => entry.requestId === requestId && entry.state === state), {
    what: `${state}`,
  });

const gateFile = () => path.join(directory, `gate-${Math.random()}`);

describe('an asynchronous invocation', () => {
  test('over the management API answers 202 with the request id and runs later', async () => {
    const one = await start();
    const answer = await one.call('POST', `fgs/functions/${urnOf('worker')}/invocations-async`, { n: 5 });
    expect(answer).toMatchObject({
      status: 202,
      body: { request_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    const { request_id: requestId } = answer.body;
    const done = await reached(one, requestId, 'succeeded');
    expect(statesOf(one.invocations, requestId)).toEqual(['queued 1', 'running 1', 'succeeded 1']);
    expect(done).toMatchObject({
      functionName: 'worker',
      trigger: 'ASYNC',
      event: '{"n":5}',
      outcome: { cold: true, isError: false, body: '5', log: [{ level: 'INFO', text: 'seen 5' }] },
    });
    expect(done.outcome?.memoryMb).toBeGreaterThan(1);
    expect(done.outcome?.durationMs).toBeGreaterThan(0);
  });

  test('that fails is tried again max_async_retry_attempts times, with the same request id', async () => {
    const one = await start({ behaviour: { asyncRetryDelayMs: 5 } }, { max_async_retry_attempts: 2 });
    const requestId = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    const failed = await reached(one, requestId, 'failed');
    expect(statesOf(one.invocations, requestId)).toEqual([
      'queued 1',
      'running 1',
      'retrying 1',
      'running 2',
      'retrying 2',
      'running 3',
      'failed 3',
    ]);
    expect(failed).toMatchObject({ trigger: 'OBS', outcome: { isError: true, errorCode: 4002 } });
  });

  test('is not tried again with 0 attempts, nor when the function answers with an error of its own', async () => {
    const one = await start({}, { max_async_retry_attempts: 0 });
    const requestId = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    await reached(one, requestId, 'failed');
    expect(statesOf(one.invocations, requestId)).toEqual(['queued 1', 'running 1', 'failed 1']);
  });

  test('that became too old is discarded and not tried again', async () => {
    const time = { now: Date.now() };
    const one = await start(
      { clock: () => time.now, behaviour: { asyncRetryDelayMs: 5 } },
      { max_async_retry_attempts: 3, max_async_event_age_in_seconds: 60 },
    );
    one.functiongraph.onInvocation(({ state }) => {
      if (state === 'retrying') time.now += 61_000;
    });
    const requestId = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    await reached(one, requestId, 'discarded');
    expect(statesOf(one.invocations, requestId)).toEqual([
      'queued 1',
      'running 1',
      'retrying 1',
      'discarded 2',
    ]);
  });

  test.each([
    [{}, 2],
    [{ defaultAsyncRetryAttempts: 0 }, 1],
    [{ defaultAsyncRetryAttempts: 3 }, 4],
  ])(
    'of a function without asynchronous configuration, behaviour %j, has %d attempts',
    async (behaviour, attempts) => {
      const one = await start({ behaviour: { asyncRetryDelayMs: 5, ...behaviour } });
      const requestId = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
      expect(await reached(one, requestId, 'failed')).toMatchObject({ attempt: attempts });
    },
  );

  test.each([
    [3600, 'running 2'],
    [3601, 'discarded 2'],
  ])('of a function without asynchronous configuration, after %d s, is %s', async (seconds, end) => {
    const time = { now: Date.now() };
    const one = await start({ clock: () => time.now, behaviour: { asyncRetryDelayMs: 5 } });
    one.functiongraph.onInvocation(({ state }) => {
      if (state === 'retrying') time.now += seconds * 1000;
    });
    const queuedAtMs = time.now;
    const requestId = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    await until(() => statesOf(one.invocations, requestId).includes(end), { what: end });
    expect(time.now - queuedAtMs).toBe(seconds * 1000);
  });

  test('accepts 256 KB and refuses more', async () => {
    const one = await start();
    const overhead = JSON.stringify({ pad: '' }).length;
    const event = (sizeBytes: number) => ({ pad: 'x'.repeat(sizeBytes - overhead) });
    await reached(one, one.functiongraph.invokeAsync('worker', event(262_144), 'OBS'), 'succeeded');
    expect(() => one.functiongraph.invokeAsync('worker', event(262_145), 'OBS')).toThrow('262145 bytes');
    const refused = await one.call(
      'POST',
      `fgs/functions/${urnOf('worker')}/invocations-async`,
      event(262_145),
    );
    expect(refused).toMatchObject({ status: 413, body: { error_code: 'FSS.0413' } });
  });
});

describe('events beyond the only instance', () => {
  test('wait and run one after the other in the order of arrival', async () => {
    const one = await start({}, undefined, { concurrency: 1 });
    const gate = gateFile();
    const ids = [1, 2, 3, 4].map((n) => one.functiongraph.invokeAsync('worker', { n, gate }, 'OBS'));
    expect(one.invocations.filter(({ state }) => state === 'running')).toHaveLength(1);
    writeFileSync(gate, '');
    await reached(one, ids[3]!, 'succeeded');
    const order = one.invocations
      .filter(({ state }) => state === 'running' || state === 'succeeded')
      .map(({ state, requestId }) => `${state} ${ids.indexOf(requestId) + 1}`);
    expect(order).toEqual([1, 2, 3, 4].flatMap((n) => [`running ${n}`, `succeeded ${n}`]));
    expect(existsSync(gate)).toBe(true);
  });

  test('wait, and a retry goes behind those that came in the meantime', async () => {
    const one = await start(
      { behaviour: { asyncRetryDelayMs: 1 } },
      { max_async_retry_attempts: 1 },
      { concurrency: 1 },
    );
    const gate = gateFile();
    const failing = one.functiongraph.invokeAsync('worker', { n: 1, fail: true }, 'OBS');
    const others = [2, 3].map((n) => one.functiongraph.invokeAsync('worker', { n, gate }, 'OBS'));
    await reached(one, others[0]!, 'running');
    writeFileSync(gate, '');
    await reached(one, failing, 'failed');
    await reached(one, others[1]!, 'succeeded');
    expect(statesOf(one.invocations, failing)).toEqual([
      'queued 1',
      'running 1',
      'retrying 1',
      'running 2',
      'failed 2',
    ]);
    const starts = one.invocations
      .filter(({ state }) => state === 'running')
      .map(({ requestId }) => requestId);
    expect(starts.indexOf(failing)).toBe(0);
    expect(starts.indexOf(others[0]!)).toBe(1);
    expect(starts.lastIndexOf(failing)).toBeGreaterThan(1);
  });

  test('of another function do not wait with them', async () => {
    const one = await start({}, undefined, { concurrency: 1 });
    await one.deploy('other', CODE);
    const gate = gateFile();
    const first = one.functiongraph.invokeAsync('worker', { n: 1, gate }, 'OBS');
    const second = one.functiongraph.invokeAsync('worker', { n: 2 }, 'OBS');
    await reached(one, one.functiongraph.invokeAsync('other', { n: 3 }, 'OBS'), 'succeeded');
    expect(statesOf(one.invocations, second)).toEqual(['queued 1']);
    writeFileSync(gate, '');
    await reached(one, first, 'succeeded');
    await reached(one, second, 'succeeded');
  });

  test('that become too old while they wait are discarded, and the younger ones run', async () => {
    const time = { now: Date.now() };
    const one = await start(
      { clock: () => time.now },
      { max_async_event_age_in_seconds: 60 },
      { concurrency: 1 },
    );
    const gate = gateFile();
    const first = one.functiongraph.invokeAsync('worker', { n: 1, gate }, 'OBS');
    const old = one.functiongraph.invokeAsync('worker', { n: 2 }, 'OBS');
    time.now += 1000;
    const young = one.functiongraph.invokeAsync('worker', { n: 3 }, 'OBS');
    time.now += 60_000;
    writeFileSync(gate, '');
    await reached(one, first, 'succeeded');
    await reached(one, young, 'succeeded');
    expect(statesOf(one.invocations, old)).toEqual(['queued 1', 'discarded 1']);
    expect((await reached(one, old, 'discarded')).discardReason).toBe(
      'the event is older than max_async_event_age_in_seconds (60)',
    );
  });

  test('are discarded at once when that behaviour is chosen, and the running one is not disturbed', async () => {
    const one = await start({ behaviour: { excessAsyncEvents: 'discarded' } }, undefined, { concurrency: 1 });
    const gate = gateFile();
    const first = one.functiongraph.invokeAsync('worker', { n: 1, gate }, 'OBS');
    const lost = [2, 3].map((n) => one.functiongraph.invokeAsync('worker', { n }, 'OBS'));
    for (const id of lost) expect(statesOf(one.invocations, id)).toEqual(['queued 1', 'discarded 1']);
    writeFileSync(gate, '');
    await reached(one, first, 'succeeded');
    const next = one.functiongraph.invokeAsync('worker', { n: 4 }, 'OBS');
    await reached(one, next, 'succeeded');
    expect(one.invocations.filter(({ state }) => state === 'running')).toHaveLength(2);
  });

  test('are discarded with that behaviour even when they are retries', async () => {
    const one = await start(
      { behaviour: { excessAsyncEvents: 'discarded', asyncRetryDelayMs: 1 } },
      { max_async_retry_attempts: 3 },
      { concurrency: 1 },
    );
    const gate = gateFile();
    const busy: string[] = [];
    one.functiongraph.onInvocation(({ state }) => {
      // The instance is taken again before the retry is due.
      if (state === 'retrying') {
        setImmediate(() => busy.push(one.functiongraph.invokeAsync('worker', { n: 2, gate }, 'OBS')));
      }
    });
    const failing = one.functiongraph.invokeAsync('worker', { n: 1, fail: true }, 'OBS');
    await until(() => statesOf(one.invocations, failing).length === 4, { what: 'the retry has ended' });
    expect(statesOf(one.invocations, failing)).toEqual([
      'queued 1',
      'running 1',
      'retrying 1',
      'discarded 2',
    ]);
    writeFileSync(gate, '');
    await reached(one, busy[0]!, 'succeeded');
  });

  test('run as soon as the function may have an instance', async () => {
    const one = await start({}, undefined, { concurrency: 0 });
    const waiting = one.functiongraph.invokeAsync('worker', { n: 1 }, 'OBS');
    expect(statesOf(one.invocations, waiting)).toEqual(['queued 1']);
    const at = `fgs/functions/${urnOf('worker')}/config-max-instance`;
    expect(await one.call('PUT', at, { max_instance_num: 1 })).toMatchObject({
      status: 200,
      body: { strategy_config: { concurrency: 1, concurrent_num: 1 } },
    });
    await reached(one, waiting, 'succeeded');
    for (const wrong of [-2, 1001, 1.5]) {
      const answer = await one.call('PUT', at, { max_instance_num: wrong });
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.1026' } });
      expect(answer.body.error_msg).toContain('max_instance_num');
    }
  });

  test('are discarded when the function is deleted', async () => {
    const one = await start({}, undefined, { concurrency: 1 });
    const first = one.functiongraph.invokeAsync('worker', { n: 1, gate: gateFile() }, 'OBS');
    const second = one.functiongraph.invokeAsync('worker', { n: 2 }, 'OBS');
    expect((await one.call('DELETE', `fgs/functions/${urnOf('worker')}`)).status).toBe(204);
    await until(() => statesOf(one.invocations, first).length === 4, {
      what: 'the first attempt has ended, long before its time-out',
      timeoutMs: 5000,
    });
    expect(statesOf(one.invocations, first)).toEqual(['queued 1', 'running 1', 'retrying 1', 'discarded 2']);
    expect(statesOf(one.invocations, second)).toEqual(['queued 1', 'discarded 1']);
  });
});

describe('the list of asynchronous invocations', () => {
  const LOG = { enable_async_status_log: true, max_async_retry_attempts: 0 };
  const listOf = async (one: Cloud, query = '') => {
    const answer = await one.call('GET', `fgs/functions/${urnOf('worker')}/async-invocations${query}`);
    expect(answer.status).toBe(200);
    return answer.body;
  };
  const statusesOf = async (one: Cloud, query?: string) =>
    (await listOf(one, query)).invocations.map(({ status }: { status: string }) => status);

  test('shows WAIT and RUNNING, then SUCCESS and FAIL with code and message, the newest first', async () => {
    const time = { now: Date.now() };
    const seconds = () => new Date(time.now).toISOString().slice(0, 19);
    const one = await start({ clock: () => time.now }, LOG, { concurrency: 1 });
    const began = seconds();
    const gate = gateFile();
    const first = one.functiongraph.invokeAsync('worker', { n: 1, gate }, 'OBS');
    const second = one.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    expect(await statusesOf(one)).toEqual(['WAIT', 'RUNNING']);
    time.now += 2000;
    writeFileSync(gate, '');
    await reached(one, second, 'failed');
    expect(await listOf(one)).toEqual({
      invocations: [
        {
          request_id: second,
          status: 'FAIL',
          error_message: expect.stringContaining('function invocation exception, error: failing'),
          error_code: 4002,
          start_time: began,
          end_time: seconds(),
        },
        {
          request_id: first,
          status: 'SUCCESS',
          error_message: '',
          error_code: 0,
          start_time: began,
          end_time: seconds(),
        },
      ],
      count: 2,
      next_marker: 2,
    });
    expect(await statusesOf(one, '?status=FAIL')).toEqual(['FAIL']);
    expect(await statusesOf(one, `?request_id=${first}`)).toEqual(['SUCCESS']);
    expect(await statusesOf(one, '?marker=1&limit=1')).toEqual(['SUCCESS']);
  });

  test('shows DISCARD with its reason', async () => {
    const one = await start({ behaviour: { excessAsyncEvents: 'discarded' } }, LOG, { concurrency: 1 });
    const gate = gateFile();
    const first = one.functiongraph.invokeAsync('worker', { gate }, 'OBS');
    const second = one.functiongraph.invokeAsync('worker', {}, 'OBS');
    expect((await listOf(one, '?status=DISCARD')).invocations).toEqual([
      expect.objectContaining({
        request_id: second,
        error_message: 'Your request has been controlled by overload sdk, please retry later',
      }),
    ]);
    writeFileSync(gate, '');
    await reached(one, first, 'succeeded');
  });

  test('goes back one hour unless a time is given, in UTC', async () => {
    const time = { now: Date.now() };
    const one = await start({ clock: () => time.now }, LOG);
    time.now -= 61 * 60_000;
    await reached(one, one.functiongraph.invokeAsync('worker', {}, 'OBS'), 'succeeded');
    time.now += 61 * 60_000;
    const ago = (minutes: number) => new Date(time.now - minutes * 60_000).toISOString().slice(0, 19);
    expect(await statusesOf(one)).toEqual([]);
    expect(await statusesOf(one, `?query_begin_time=${ago(62)}`)).toEqual(['SUCCESS']);
    expect(await statusesOf(one, `?query_begin_time=${ago(120)}&query_end_time=${ago(62)}`)).toEqual([]);
  });

  test('is empty without the status log, and never contains synchronous invocations', async () => {
    const silent = await start();
    await reached(silent, silent.functiongraph.invokeAsync('worker', {}, 'OBS'), 'succeeded');
    expect(await listOf(silent)).toEqual({ invocations: [], count: 0, next_marker: 0 });
    await silent.close();
    const one = await start({}, LOG);
    await one.functiongraph.invoke('worker', {});
    expect(await statusesOf(one)).toEqual([]);
  });

  test.each(['status=GONE', 'limit=501', 'limit=0', 'marker=-1', 'query_begin_time=yesterday'])(
    'refuses %s',
    async (query) => {
      const one = await start();
      const answer = await one.call('GET', `fgs/functions/${urnOf('worker')}/async-invocations?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
      expect(answer.body.error_msg).toContain(query.split('=')[0]);
    },
  );
});

describe('the asynchronous configuration', () => {
  test('is set, shown and deleted', async () => {
    const one = await start();
    const at = `fgs/functions/${urnOf('worker')}/async-invoke-config`;
    expect(await one.call('GET', at)).toMatchObject({ status: 404, body: { error_code: 'FSS.0404' } });
    const wanted = { max_async_retry_attempts: 3, max_async_event_age_in_seconds: 86_400 };
    expect(await one.call('PUT', at, wanted)).toMatchObject({ status: 200, body: wanted });
    expect(await one.call('GET', at)).toMatchObject({
      status: 200,
      body: { func_urn: urnOf('worker'), ...wanted },
    });
    expect((await one.call('DELETE', at)).status).toBe(204);
    expect((await one.call('GET', at)).status).toBe(404);
  });

  test.each([
    [{ max_async_retry_attempts: 4 }, 'max_async_retry_attempts'],
    [{ max_async_event_age_in_seconds: 0 }, 'max_async_event_age_in_seconds'],
    [{ max_async_event_age_in_seconds: 86_401 }, 'max_async_event_age_in_seconds'],
  ])('refuses %j', async (body, field) => {
    const one = await start();
    const answer = await one.call('PUT', `fgs/functions/${urnOf('worker')}/async-invoke-config`, body);
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
    expect(answer.body.error_msg).toContain(field);
  });
});
