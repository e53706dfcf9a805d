import type { ObjectEvent } from '../../../local/obs/object-store';
import { until } from '../../wait';
import { type Cloud, startCloud, urnOf } from './cloud';

const ECHO = 'exports.handler = async (event, context) => event;';
let cloud: Cloud;
afterEach(() => cloud.close());

async function start(options: Parameters<typeof startCloud>[0] = {}, ...names: string[]): Promise<void> {
  cloud = await startCloud(options);
  for (const name of names.length === 0 ? ['echo'] : names) await cloud.deploy(name, ECHO);
}

const objectEvent = (changes: Partial<ObjectEvent> = {}): ObjectEvent => ({
  eventName: 'ObjectCreated:Put',
  bucket: 'videos',
  key: 'in/a b+%.mp4',
  sizeBytes: 5,
  etag: '9d377b10ce778c4938b3c7e2c63a229a',
  sequencer: '0000000019386C6871FB059ED0000000',
  timeMs: Date.parse('2026-11-23T00:00:00Z'),
  requestId: 'b27e6cbff1f6865c83111f130a982f56',
  sourceIp: '127.0.0.1',
  ...changes,
});

/** The events that functions were asked to run with. */
const queued = () =>
  cloud.invocations
    .filter(({ state }) => state === 'queued')
    .map(({ functionName, trigger, event }) => ({ functionName, trigger, event: JSON.parse(event) }));

const OBS = {
  bucket: 'videos',
  events: ['s3:ObjectCreated:*'],
  prefix: 'in/',
  suffix: '.mp4',
  name: 'uploads',
};
const EVENTGRID_DATA = {
  source_name: 'HC.OBS.DWR',
  bucket: 'videos',
  event_types: ['OBS:DWR:ObjectCreated:PUT'],
};
const GATEWAY = {
  name: 'api',
  type: 1,
  path: '/things',
  protocol: 'HTTPS',
  req_method: 'GET',
  group_id: 'g',
  match_mode: 'NORMAL',
  env_name: 'RELEASE',
  auth: 'NONE',
  func_info: { timeout: 6000 },
};

describe('a trigger', () => {
  test('is created with 201, listed, shown and deleted', async () => {
    await start();
    const at = `fgs/triggers/${urnOf('echo')}`;
    const created = await cloud.addTrigger('echo', 'OBS', OBS);
    expect(created).toMatchObject({
      status: 201,
      body: { trigger_id: 'uploads', trigger_type_code: 'OBS', trigger_status: 'ACTIVE', event_data: OBS },
    });
    await cloud.addTrigger('echo', 'DEDICATEDGATEWAY', GATEWAY);
    const list = await cloud.call('GET', at);
    expect(list.body.map((one: { trigger_type_code: string }) => one.trigger_type_code)).toEqual([
      'OBS',
      'DEDICATEDGATEWAY',
    ]);
    expect(await cloud.call('GET', `${at}/OBS/uploads`)).toMatchObject({ status: 200, body: created.body });
    expect((await cloud.call('DELETE', `${at}/OBS/uploads`)).status).toBe(204);
    expect((await cloud.call('DELETE', `${at}/OBS/uploads`)).body.error_code).toBe('FSS.1131');
    expect((await cloud.call('GET', at)).body).toHaveLength(1);
    expect((await cloud.call('DELETE', at)).status).toBe(204);
    expect((await cloud.call('GET', at)).body).toEqual([]);
    expect(cloud.functiongraph.apiRoutes()).toEqual([]);
  });

  test('that is missing is answered with 500, and one of a missing function with 401', async () => {
    await start();
    const missing = await cloud.call('GET', `fgs/triggers/${urnOf('echo')}/OBS/none`);
    expect(missing).toMatchObject({ status: 500, body: { error_code: 'FSS.0500' } });
    const nowhere = await cloud.call('GET', `fgs/triggers/${urnOf('none')}/OBS/none`);
    expect(nowhere).toMatchObject({ status: 401, body: { error_code: 'FSS.0401' } });
  });

  test.each([
    ['SMN', { topic_urn: 'x' }, 'FSS.0400'],
    ['OBS', { ...OBS, events: ['ObjectCreated'] }, 'FSS.1106'],
    ['OBS', { ...OBS, bucket: undefined }, 'FSS.1106'],
    ['APIG', { ...GATEWAY, path: 'things' }, 'FSS.1107'],
    ['APIG', { ...GATEWAY, func_info: { timeout: 60_001 } }, 'FSS.1107'],
    ['TIMER', { name: 't', schedule_type: 'Rate', schedule: '61m' }, 'FSS.1109'],
    ['TIMER', { name: 't', schedule_type: 'Cron', schedule: '* * *' }, 'FSS.1109'],
  ])('of type %s with %j is refused with %s', async (type, data, code) => {
    await start();
    const answer = await cloud.addTrigger('echo', type, data);
    expect(answer).toMatchObject({ status: 400, body: { error_code: code } });
  });

  test.each([
    ['OBS', OBS, { ...OBS, name: 'second' }, 403, 'FSS.1108'],
    ['OBS', OBS, { ...OBS, name: 'second', prefix: 'in/deeper/', suffix: '' }, 403, 'FSS.1108'],
    ['OBS', OBS, { ...OBS, name: 'second', prefix: '', suffix: 'long.mp4' }, 403, 'FSS.1108'],
    ['OBS', OBS, { ...OBS, name: 'second', events: ['s3:ObjectRemoved:*'] }, 403, 'FSS.1108'],
    ['OBS', OBS, { ...OBS, prefix: 'out/' }, 409, 'FSS.1145'],
    ['APIG', GATEWAY, { ...GATEWAY, name: 'other' }, 409, 'FSS.1147'],
    [
      'TIMER',
      { name: 't', schedule_type: 'Rate', schedule: '3m' },
      { name: 't', schedule_type: 'Rate', schedule: '4m' },
      409,
      'FSS.1148',
    ],
  ])('of type %s beside %j: %j is refused', async (type, first, second, status, code) => {
    await start();
    expect((await cloud.addTrigger('echo', type, first)).status).toBe(201);
    expect(await cloud.addTrigger('echo', type, second)).toMatchObject({
      status,
      body: { error_code: code },
    });
  });

  test('for API Gateway can exist beside the same path of another group', async () => {
    await start();
    expect((await cloud.addTrigger('echo', 'APIG', GATEWAY)).status).toBe(201);
    expect((await cloud.addTrigger('echo', 'APIG', { ...GATEWAY, group_id: 'other' })).status).toBe(201);
    const routes = cloud.functiongraph.apiRoutes();
    expect(routes.map(({ groupId }) => groupId)).toEqual(['g', 'other']);
    expect(new Set(routes.map(({ apiId }) => apiId)).size).toBe(2);
  });

  test.each([
    { ...OBS, name: 'second', prefix: 'out/' },
    { ...OBS, name: 'second', suffix: '.mov' },
    { ...OBS, name: 'second', bucket: 'other' },
  ])('for OBS can exist beside another one that cannot overlap: %j', async (second) => {
    await start({}, 'echo', 'other');
    await cloud.addTrigger('echo', 'OBS', OBS);
    expect((await cloud.addTrigger('other', 'OBS', second)).status).toBe(201);
  });

  test('for OBS overlaps also with one of another function', async () => {
    await start({}, 'echo', 'other');
    await cloud.addTrigger('echo', 'OBS', OBS);
    const second = await cloud.addTrigger('other', 'OBS', { ...OBS, name: 'second' });
    expect(second.body.error_code).toBe('FSS.1108');
  });

  test('can be the tenth of a function but not the eleventh', async () => {
    await start();
    for (let n = 1; n <= 10; n += 1) {
      const timer = { name: `t${n}`, schedule_type: 'Rate', schedule: '3m' };
      expect((await cloud.addTrigger('echo', 'TIMER', timer)).status).toBe(201);
    }
    const eleventh = { name: 't11', schedule_type: 'Rate', schedule: '3m' };
    expect((await cloud.addTrigger('echo', 'TIMER', eleventh)).body.error_code).toBe('FSS.1306');
  });
});

describe('events of OBS', () => {
  test('reach the function in the S3 shape with the key encoded', async () => {
    await start();
    await cloud.addTrigger('echo', 'OBS', OBS);
    cloud.functiongraph.deliverObjectEvent(objectEvent());
    const done = await until(() => cloud.invocations.find(({ state }) => state === 'succeeded'));
    const received = JSON.parse(done.outcome?.body ?? '');
    expect(received.Records).toHaveLength(1);
    expect(received.Records[0]).toMatchObject({
      eventVersion: '2.0',
      eventName: 'ObjectCreated:Put',
      awsRegion: 'cn-north-4',
      s3: { bucket: { name: 'videos' }, object: { key: 'in%2Fa+b%2B%25.mp4', size: 5 } },
    });
    expect(done.trigger).toBe('OBS');
  });

  test.each([
    [{ key: 'out/a.mp4' }],
    [{ key: 'in/a.mov' }],
    [{ bucket: 'other' }],
    [{ eventName: 'ObjectRemoved:Delete' as const }],
  ])('that a trigger does not ask for do not reach it: %j', async (changes) => {
    await start();
    await cloud.addTrigger('echo', 'OBS', OBS);
    cloud.functiongraph.deliverObjectEvent(objectEvent(changes));
    expect(queued()).toEqual([]);
  });

  test('match a single event name', async () => {
    await start();
    await cloud.addTrigger('echo', 'OBS', {
      ...OBS,
      events: ['s3:ObjectCreated:Copy', 's3:ObjectRemoved:Delete'],
    });
    for (const eventName of ['ObjectCreated:Put', 'ObjectCreated:Copy', 'ObjectRemoved:Delete'] as const) {
      cloud.functiongraph.deliverObjectEvent(objectEvent({ eventName }));
    }
    expect(queued().map(({ event }) => event.Records[0].eventName)).toEqual([
      'ObjectCreated:Copy',
      'ObjectRemoved:Delete',
    ]);
  });

  test('have the shape of the OBS message 3.0 and a raw key when those behaviours are chosen', async () => {
    await start({ behaviour: { obsTriggerShape: 'obs', obsTriggerEncodesKeys: false } });
    await cloud.addTrigger('echo', 'OBS', OBS);
    cloud.functiongraph.deliverObjectEvent(objectEvent());
    expect(queued()[0]?.event.Records[0]).toMatchObject({
      eventVersion: '3.0',
      obs: { object: { key: 'in/a b+%.mp4' } },
    });
  });

  test('come as one CloudEvent through EventGrid, the key encoded if the trigger says so', async () => {
    await start({}, 'encoded', 'raw', 'silent');
    const data = {
      channel_id: 'c',
      source_name: 'HC.OBS.DWR',
      trigger_name: 'eg',
      agency: 'fgs_to_eg',
      bucket: 'videos',
      event_types: ['OBS:DWR:ObjectCreated:PUT', 'OBS:DWR:ObjectCreated:CompleteMultipartUpload'],
      prefix: 'in/',
    };
    await cloud.addTrigger('encoded', 'EVENTGRID', { ...data, Key_encode: true });
    await cloud.addTrigger('raw', 'EVENTGRID', { ...data, Key_encode: false });
    await cloud.addTrigger('silent', 'EVENTGRID', data);
    cloud.functiongraph.deliverObjectEvent(objectEvent());
    cloud.functiongraph.deliverObjectEvent(objectEvent({ eventName: 'ObjectCreated:Post' }));
    const [encoded, raw, silent, ...others] = queued();
    expect(others).toEqual([]);
    expect(encoded).toMatchObject({
      functionName: 'encoded',
      trigger: 'EVENTGRID',
      event: {
        specversion: '1.0',
        type: 'OBS:DWR:ObjectCreated:PUT',
        data: { obs: { object: { key: 'in%2Fa+b%2B%25.mp4' } } },
      },
    });
    expect(raw?.event.data.obs.object.key).toBe('in/a b+%.mp4');
    expect(silent?.event.data.obs.object.key).toBe('in/a b+%.mp4');
  });
});

describe('a timer', () => {
  const RATE = { name: 'tick', schedule_type: 'Rate', schedule: '5m', user_event: '{"mode":"sweep"}' };
  const CRON = { name: 'noon', schedule_type: 'Cron', schedule: '0 0 12 * * *', user_event: 'lunch' };
  const timers = () => queued().filter(({ trigger }) => trigger === 'TIMER');

  test('fires when the clock reaches its time, once for each time', async () => {
    const time = { now: Date.now() };
    await start({ clock: () => time.now });
    await cloud.addTrigger('echo', 'TIMER', CRON);
    // Noon in Shanghai is four o'clock of the same day in UTC.
    const day = 24 * 3_600_000;
    time.now = (Math.floor(time.now / day) + 1) * day + 4 * 3_600_000;
    const date = new Date(time.now).toISOString().slice(0, 10);
    await until(() => timers().length === 1, { what: 'noon in Shanghai' });
    expect(timers()[0]?.event).toEqual({
      version: 'v2.0',
      time: `${date}T12:00:00+08:00`,
      trigger_type: 'TIMER',
      trigger_name: 'noon',
      user_event: 'lunch',
    });
    time.now += day;
    await until(() => timers().length === 2, { what: 'noon of the next day' });
  });

  test('really runs its function, and stops with its trigger', async () => {
    await start();
    await cloud.addTrigger('echo', 'TIMER', { ...RATE, schedule_type: 'Cron', schedule: '@every 1s' });
    const done = await until(() => cloud.invocations.find(({ state }) => state === 'succeeded'));
    expect(JSON.parse(done.outcome?.body ?? '')).toMatchObject({
      trigger_name: 'tick',
      user_event: '{"mode":"sweep"}',
    });
    await cloud.call('DELETE', `fgs/triggers/${urnOf('echo')}`);
    expect(() => cloud.functiongraph.fireTimer('echo', 'tick')).toThrow('no timer "tick"');
  });

  test('that is disabled does not fire', async () => {
    const time = { now: Date.now() };
    await start({ clock: () => time.now });
    await cloud.call('POST', `fgs/triggers/${urnOf('echo')}`, {
      trigger_type_code: 'TIMER',
      trigger_status: 'DISABLED',
      event_data: { ...RATE, name: 'off' },
    });
    await cloud.addTrigger('echo', 'TIMER', RATE);
    time.now += 3_600_000;
    await until(() => timers().length > 0, { what: 'the active timer has fired' });
    expect(timers().map(({ event }) => event.trigger_name)).toEqual(['tick']);
  });

  test('is disabled and enabled again, and then counts from that moment', async () => {
    const time = { now: Date.now() };
    await start({ clock: () => time.now }, 'echo', 'witness');
    const { trigger_id: id } = (await cloud.addTrigger('echo', 'TIMER', { ...RATE, schedule: '3m' })).body;
    await cloud.addTrigger('witness', 'TIMER', { ...RATE, schedule: '3m' });
    const at = `fgs/triggers/${urnOf('echo')}/TIMER/${id}`;
    const firedBy = (name: string) => timers().filter(({ functionName }) => functionName === name).length;
    expect(await cloud.call('PUT', at, { trigger_status: 'DISABLED' })).toMatchObject({
      status: 200,
      body: { trigger_id: id, trigger_status: 'DISABLED' },
    });
    time.now += 179_000;
    expect((await cloud.call('PUT', at, { trigger_status: 'ACTIVE' })).body.trigger_status).toBe('ACTIVE');
    time.now += 2000;
    await until(() => firedBy('witness') === 1, { what: 'the timer that was never disabled' });
    expect(firedBy('echo')).toBe(0);
    // Enabled twice is enabled once.
    await cloud.call('PUT', at, { trigger_status: 'ACTIVE' });
    time.now += 178_000;
    await until(() => firedBy('echo') === 1, { what: 'three minutes after it was enabled' });
    expect((await cloud.call('GET', at)).body.trigger_status).toBe('ACTIVE');
  });

  test('fires once after it was missed several times', async () => {
    const time = { now: Date.now() };
    await start({ clock: () => time.now });
    await cloud.addTrigger('echo', 'TIMER', RATE);
    time.now += 3_600_000;
    // Whatever else was due has fired long before an instance has started and answered.
    await until(() => cloud.invocations.some(({ state }) => state === 'succeeded'));
    expect(timers()).toHaveLength(1);
    time.now += 300_000;
    await until(() => timers().length > 1, { what: 'the time after those that were missed' });
    expect(timers()).toHaveLength(2);
  });

  test('uses the time zone that the behaviour names', async () => {
    const time = { now: Date.now() };
    await start({ clock: () => time.now, behaviour: { timeZone: 'Asia/Kolkata' } });
    await cloud.addTrigger('echo', 'TIMER', CRON);
    // Noon in Kolkata is half past six of the same day in UTC, in summer too.
    const day = 24 * 3_600_000;
    time.now = (Math.floor(time.now / day) + 1) * day + 6.5 * 3_600_000;
    const date = new Date(time.now).toISOString().slice(0, 10);
    await until(() => timers().length === 1, { what: 'noon in Kolkata' });
    expect(timers()[0]?.event.time).toBe(`${date}T12:00:00+05:30`);
  });

  test('can be fired by hand', async () => {
    await start();
    await cloud.addTrigger('echo', 'TIMER', RATE);
    const requestId = cloud.functiongraph.fireTimer('echo', 'tick');
    const done = await until(() =>
      cloud.invocations.find((one) => one.requestId === requestId && one.state === 'succeeded'),
    );
    expect(done.trigger).toBe('TIMER');
  });
});

test('an API Gateway trigger becomes a route, with the documented defaults', async () => {
  await start();
  await cloud.addTrigger('echo', 'DEDICATEDGATEWAY', GATEWAY);
  const created = await cloud.addTrigger('echo', 'APIG', { name: 'min', path: '/min', req_method: 'ANY' });
  expect(created.body.event_data).toMatchObject({
    api_id: expect.any(String),
    triggerid: expect.any(String),
  });
  expect(cloud.functiongraph.apiRoutes()).toEqual([
    {
      functionName: 'echo',
      apiId: expect.stringMatching(/^[0-9a-f]{32}$/),
      groupId: 'g',
      stage: 'RELEASE',
      path: '/things',
      method: 'GET',
      matchMode: 'NORMAL',
      auth: 'NONE',
      timeoutMs: 6000,
      envId: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
      instanceId: '',
      name: 'api',
    },
    expect.objectContaining({ path: '/min', method: 'ANY', matchMode: 'SWA', auth: 'IAM', timeoutMs: 5000 }),
  ]);
});

describe('an update of a trigger', () => {
  test.each([
    ['OBS', 'FSS.1106'],
    ['DEDICATEDGATEWAY', 'FSS.1107'],
    ['EVENTGRID', 'FSS.0400'],
  ])('cannot disable or enable one of type %s: 400 %s', async (type, code) => {
    await start();
    const data = { OBS, DEDICATEDGATEWAY: GATEWAY, EVENTGRID: EVENTGRID_DATA }[type] ?? {};
    const { body } = await cloud.addTrigger('echo', type, data);
    for (const status of ['DISABLED', 'ACTIVE']) {
      const at = `fgs/triggers/${urnOf('echo')}/${type}/${body.trigger_id}`;
      const answer = await cloud.call('PUT', at, { trigger_status: status });
      expect(answer).toMatchObject({ status: 400, body: { error_code: code } });
      expect(answer.body.error_msg).toContain(type);
    }
    expect(cloud.functiongraph.functions()[0]?.triggers[0]?.status).toBe('ACTIVE');
  });

  test('cannot change its parameters, and needs a trigger that exists', async () => {
    await start();
    const timer = { name: 'tick', schedule_type: 'Rate', schedule: '5m' };
    const { trigger_id: id } = (await cloud.addTrigger('echo', 'TIMER', timer)).body;
    const at = `fgs/triggers/${urnOf('echo')}/TIMER`;
    const changed = await cloud.call('PUT', `${at}/${id}`, { event_data: { schedule: '9m' } });
    expect(changed).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
    expect(changed.body.error_msg).toContain('delete the trigger and create it again');
    const missing = await cloud.call('PUT', `${at}/tock`, { trigger_status: 'ACTIVE' });
    expect(missing).toMatchObject({ status: 500, body: { error_code: 'FSS.0500' } });
  });
});
