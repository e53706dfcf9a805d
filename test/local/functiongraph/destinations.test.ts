import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Delivery, FunctionGraphOptions } from '../../../local/functiongraph/functiongraph';
import { ObjectStore } from '../../../local/obs/object-store';
import { until } from '../../wait';
import { type Cloud, startCloud, urnOf } from './cloud';

const directory = mkdtempSync(path.join(tmpdir(), 'destinations-'));
const gate = path.join(directory, 'gate');
const deliveries: Delivery[] = [];
let store: ObjectStore;
let cloud: Cloud;
beforeEach(async () => {
  deliveries.length = 0;
  store = await ObjectStore.open(mkdtempSync(path.join(directory, 'obs-')));
  await store.createBucket('results');
});
afterEach(async () => {
  await cloud.close();
  await store.close();
  rmSync(gate, { force: true });
});
afterAll(() => rmSync(directory, { recursive: true }));

const CODE = `
  const fs = require('fs');
  exports.handler = (event, context, callback) => {
    if (event.fail) throw new Error('no');
    const wait = () => (!event.gate || fs.existsSync(event.gate) ? callback(null, event.size ? 'x'.repeat(event.size) : { seen: event.n }) : setTimeout(wait, 5));
    wait();
  };`;
const obs = (param: Record<string, unknown> = { bucket: 'results', prefix: 'made/by' }) => ({
  destination: 'OBS',
  param: JSON.stringify(param),
});
const toFunction = (name: string) => ({
  destination: 'FunctionGraph',
  param: JSON.stringify({ func_urn: urnOf(name) }),
});

async function start(
  destinations: Record<string, unknown>,
  {
    more = {},
    settings = { xrole: 'messenger' },
    options = {},
  }: {
    more?: Record<string, unknown>;
    settings?: Record<string, unknown>;
    options?: Partial<FunctionGraphOptions>;
  } = {},
): Promise<void> {
  cloud = await startCloud({
    onDelivery: (delivery) => deliveries.push(delivery),
    putObject: async (bucket, key, body) => void (await store.put(bucket, key, Buffer.from(body))),
    ...options,
  });
  await cloud.deploy('worker', CODE, settings);
  await cloud.deploy('listener', 'exports.handler = async (event, context) => event;', settings);
  const config = { max_async_retry_attempts: 0, destination_config: destinations, ...more };
  const at = `fgs/functions/${urnOf('worker')}/async-invoke-config`;
  expect(await cloud.call('PUT', at, config)).toMatchObject({ status: 200, body: config });
}
const deliveryOf = (requestId: string) =>
  until(() => deliveries.find((delivery) => delivery.requestId === requestId), { what: 'the delivery' });
async function objectText(key: string): Promise<string> {
  const object = store.head('results', key);
  const { readFileSync } = await import('node:fs');
  return readFileSync(object?.filePath ?? '', 'utf8');
}

describe('an asynchronous destination', () => {
  test('in OBS gets the documented message of a success', async () => {
    const time = { now: Date.now() };
    await start({ on_success: obs() }, { options: { clock: () => time.now } });
    time.now = Date.parse('2025-07-28T09:47:56.893Z');
    const requestId = cloud.functiongraph.invokeAsync('worker', { n: 5 }, 'OBS');
    expect(await deliveryOf(requestId)).toEqual({
      requestId,
      functionName: 'worker',
      type: 'OBS',
      target: `results/made/by/${requestId}.json`,
    });
    expect(JSON.parse(await objectText(`made/by/${requestId}.json`))).toEqual({
      timestamp: '2025-07-28T17:47:56.893000000+08:00',
      request_context: {
        request_id: requestId,
        function_urn: urnOf('worker'),
        condition: '',
        approximate_invoke_count: 0,
      },
      request_payload: '{"n":5}',
      response_context: { status_code: 200, function_error: '' },
      response_payload: '{"seen":5}',
    });
  });

  test('that is a function gets the message of a failure as its event, after the last retry only', async () => {
    await start(
      { on_success: obs(), on_failure: toFunction('listener') },
      { more: { max_async_retry_attempts: 1 }, options: { behaviour: { asyncRetryDelayMs: 1 } } },
    );
    const requestId = cloud.functiongraph.invokeAsync('worker', { fail: true }, 'OBS');
    const heard = await until(
      () => cloud.invocations.find((one) => one.functionName === 'listener' && one.state === 'succeeded'),
      { what: 'the listener has run' },
    );
    expect(heard.trigger).toBe('DESTINATION');
    const message = JSON.parse(heard.outcome?.body ?? '');
    expect(message).toMatchObject({
      request_context: {
        request_id: requestId,
        condition: 'UnhandledInvocationError',
        approximate_invoke_count: 1,
      },
      request_payload: '{"fail":true}',
      response_context: { status_code: 500, function_error: '' },
    });
    expect(JSON.parse(message.response_payload)).toMatchObject({
      errorMessage: 'function invocation exception, error: no',
    });
    expect(
      cloud.invocations.filter((one) => one.functionName === 'listener' && one.state === 'queued'),
    ).toHaveLength(1);
    expect(deliveries).toHaveLength(1);
  });

  test('gets an empty result instead of one above 256 KB', async () => {
    await start({ on_success: obs() });
    const [fits, above] = [262_144, 262_145].map((size) =>
      cloud.functiongraph.invokeAsync('worker', { size }, 'OBS'),
    );
    for (const [requestId, length] of [
      [fits!, 262_144],
      [above!, 0],
    ] as const) {
      await deliveryOf(requestId);
      const message = JSON.parse(await objectText(`made/by/${requestId}.json`));
      expect(message.response_payload).toHaveLength(length);
    }
  });

  test('of failures gets an event that is discarded because no instance is free', async () => {
    await start({ on_failure: obs() }, { options: { behaviour: { excessAsyncEvents: 'discarded' } } });
    await cloud.call('PUT', `fgs/functions/${urnOf('worker')}/config-max-instance`, { max_instance_num: 1 });
    const first = cloud.functiongraph.invokeAsync('worker', { gate }, 'OBS');
    const second = cloud.functiongraph.invokeAsync('worker', { n: 2 }, 'OBS');
    await deliveryOf(second);
    expect(JSON.parse(await objectText(`made/by/${second}.json`))).toMatchObject({
      request_context: { condition: 'TooManyRequests', approximate_invoke_count: 0 },
      request_payload: '{"n":2}',
      response_context: { status_code: 429 },
      response_payload: '',
    });
    writeFileSync(gate, '');
    await until(() => cloud.invocations.some((one) => one.requestId === first && one.state === 'succeeded'));
    expect(existsSync(gate)).toBe(true);
  });

  test('of failures gets an event that became too old, and nothing about one whose function is deleted', async () => {
    const time = { now: Date.now() };
    await start(
      { on_failure: obs() },
      { more: { max_async_event_age_in_seconds: 60 }, options: { clock: () => time.now } },
    );
    await cloud.call('PUT', `fgs/functions/${urnOf('worker')}/config-max-instance`, { max_instance_num: 1 });
    const ids = [{ gate }, { n: 2 }].map((event) => cloud.functiongraph.invokeAsync('worker', event, 'OBS'));
    time.now += 61_000;
    writeFileSync(gate, '');
    await until(() => cloud.invocations.some((one) => one.requestId === ids[1] && one.state === 'discarded'));
    await deliveryOf(ids[1] ?? '');
    expect(JSON.parse(await objectText(`made/by/${ids[1]}.json`))).toMatchObject({
      request_context: { condition: 'EventAgeExceeded', approximate_invoke_count: 0 },
      request_payload: '{"n":2}',
    });
    rmSync(gate);
    cloud.functiongraph.invokeAsync('worker', { gate }, 'OBS');
    const waiting = cloud.functiongraph.invokeAsync('worker', { n: 4 }, 'OBS');
    await cloud.call('DELETE', `fgs/functions/${urnOf('worker')}`);
    await until(() =>
      cloud.invocations.some((one) => one.requestId === waiting && one.state === 'discarded'),
    );
    expect(deliveries.filter(({ requestId }) => requestId === waiting)).toEqual([]);
  });

  test.each([
    ['SMN', { destination: 'SMN', param: '{"topic_urn":"urn:smn:x"}' }, {}, 'the local cloud has no SMN'],
    ['DIS', { destination: 'DIS', param: '{"stream_name":"s"}' }, {}, 'the local cloud has no DIS'],
    ['a bucket that is missing', obs({ bucket: 'nowhere' }), {}, 'bucket'],
    ['a function that is missing', toFunction('nobody'), {}, 'function "nobody" does not exist'],
    ['no agency', obs(), { settings: {} }, 'no agency'],
    ['no OBS', obs(), { options: { putObject: undefined } as never }, 'without OBS'],
  ])(
    'that cannot be reached (%s) is reported, and the invocation stays successful',
    async (_what, target, more, words) => {
      await start({ on_success: target }, more);
      const requestId = cloud.functiongraph.invokeAsync('worker', { n: 1 }, 'OBS');
      expect((await deliveryOf(requestId)).failure).toContain(words);
      expect(cloud.invocations.at(-1)).toMatchObject({ requestId, state: 'succeeded' });
    },
  );

  test.each([
    ['on_failure', { destination: 'KAFKA', param: '{}' }, 'destination'],
    ['on_success', { destination: 'OBS', param: 'results' }, 'must be JSON in a string'],
    ['on_success', { destination: 'OBS', param: '{"prefix":"x"}' }, 'param.bucket'],
    ['on_success', { destination: 'OBS', param: '{"bucket":"b","expires":366}' }, 'param.expires'],
    ['on_failure', { destination: 'FunctionGraph', param: '{"func_urn":"worker"}' }, 'param.func_urn'],
    ['on_failure', { destination: 'SMN', param: '{}' }, 'param.topic_urn'],
  ])('%s %j is refused at configuration', async (result, target, words) => {
    await start({ on_success: { destination: '', param: '' } });
    const answer = await cloud.call('PUT', `fgs/functions/${urnOf('worker')}/async-invoke-config`, {
      destination_config: { [result]: target },
    });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
    expect(answer.body.error_msg).toContain(words);
    expect(answer.body.error_msg).toContain(`destination_config.${result}`);
  });
});
