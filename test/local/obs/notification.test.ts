import { XMLParser } from 'fast-xml-parser';
import type { ObsBehaviour } from '../../../local/obs/behaviour';
import { ObjectStore } from '../../../local/obs/object-store';
import { until } from '../../wait';
import { Obs, REGION } from './obs-fixture';

const bucket = 'videos';
const urnOf = (name: string, region = REGION) =>
  `urn:fss:${region}:0123456789abcdef0123456789abcdef:function:default:${name}:latest`;

let obs: Obs;
let calls: { functionUrn: string; event: Record<string, unknown> }[];

async function start(behaviour: Partial<ObsBehaviour> = {}): Promise<void> {
  calls = [];
  obs = await Obs.start({
    behaviour,
    functions: {
      has: (functionUrn) => !functionUrn.includes('missing'),
      invoke: (functionUrn, event) => {
        if (functionUrn.includes('gone')) throw new Error('gone meanwhile');
        calls.push({ functionUrn, event: event as Record<string, unknown> });
      },
    },
  });
  await obs.store.createBucket(bucket);
}
afterEach(() => obs.close());

function configure(...configurations: string[]) {
  const body = `<NotificationConfiguration>${configurations.join('')}</NotificationConfiguration>`;
  return obs.signed('PUT', { bucket, special: 'notification' }, { body });
}

function rule(
  filter: { prefix?: string; suffix?: string } = {},
  {
    id = '',
    urn = urnOf('on-upload'),
    event = 'ObjectCreated:*',
    names = 'FunctionGraph',
    key = 'Object',
  } = {},
): string {
  const rules = Object.entries(filter).map(
    ([name, value]) => `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`,
  );
  const filterXml = rules.length === 0 ? '' : `<Filter><${key}>${rules.join('')}</${key}></Filter>`;
  const content = `<Id>${id}</Id>${filterXml}<${names}>${urn}</${names}><Event>${event}</Event>`;
  return `<${names}Configuration>${content}</${names}Configuration>`;
}

async function notifications() {
  const { status, body } = await obs.signed('GET', { bucket, special: 'notification' });
  expect(status).toBe(200);
  const isArray = (name: string) => ['FunctionGraphConfiguration', 'FilterRule', 'Event'].includes(name);
  const { NotificationConfiguration } = new XMLParser({ isArray }).parse(body) as Record<
    string,
    { FunctionGraphConfiguration?: unknown[] }
  >;
  return NotificationConfiguration?.FunctionGraphConfiguration;
}

/** One more write, whose own notification tells that all earlier ones have been sent. */
async function settled(): Promise<void> {
  const before = calls.length;
  expect((await configure(rule({}, { id: 'last' }))).status).toBe(200);
  await obs.store.put(bucket, 'last', Buffer.from(''));
  await until(() => calls.length > before);
  calls.pop();
}

describe('a bucket', () => {
  beforeEach(() => start());

  test('has no notifications until some are set, and none after an empty document', async () => {
    expect(await notifications()).toBeUndefined();
    expect(await configure(rule())).toMatchObject({ status: 200 });
    expect(await notifications()).toHaveLength(1);
    expect(await configure()).toMatchObject({ status: 200 });
    expect(await notifications()).toBeUndefined();
  });

  test('returns what was set, whichever names and event prefixes were used', async () => {
    const first = rule({ prefix: 'a/', suffix: '.mp4' }, { id: 'first' });
    const second = rule(
      { prefix: 'b/' },
      { id: 'second', names: 'FunctionStage', event: 's3:ObjectRemoved:Delete', key: 'S3Key' },
    );
    expect((await configure(first, second)).status).toBe(200);
    expect(await notifications()).toEqual([
      {
        Id: 'first',
        Filter: {
          Object: {
            FilterRule: [
              { Name: 'prefix', Value: 'a/' },
              { Name: 'suffix', Value: '.mp4' },
            ],
          },
        },
        FunctionGraph: urnOf('on-upload'),
        Event: ['ObjectCreated:*'],
      },
      {
        Id: 'second',
        Filter: { Object: { FilterRule: [{ Name: 'prefix', Value: 'b/' }] } },
        FunctionGraph: urnOf('on-upload'),
        Event: ['ObjectRemoved:Delete'],
      },
    ]);
  });

  test('gives a notification an id when it has none', async () => {
    await configure(rule());
    expect(await notifications()).toMatchObject([{ Id: expect.stringMatching(/.{8}/) }]);
  });

  test('keeps its notifications when the store is opened again', async () => {
    await configure(rule({ prefix: 'a/' }, { id: 'kept' }));
    const kept = obs.store.notifications(bucket);
    expect(kept).toMatchObject([{ id: 'kept', prefix: 'a/', suffix: '' }]);
    for (let times = 0; times < 2; times++) {
      await obs.store.close();
      const store = await ObjectStore.open(obs.directory);
      (obs as { store: ObjectStore }).store = store;
      expect(store.notifications(bucket)).toEqual(kept);
    }
  });

  test('that is missing has no notifications to read or to set', async () => {
    const missing = { status: 404, headers: { 'x-obs-error-code': 'NoSuchBucket' } };
    const target = { bucket: 'missing', special: 'notification' };
    expect(await obs.signed('GET', target)).toMatchObject(missing);
    const body = '<NotificationConfiguration/>';
    expect(await obs.signed('PUT', target, { body })).toMatchObject(missing);
  });
});

describe('a configuration is refused and changes nothing when', () => {
  const long = 'x'.repeat(1025);
  const disjoint = { prefix: 'b/' };
  const Event = '<Event>ObjectCreated:*</Event>';
  const a = { prefix: 'a/' };

  test.each([
    ['one filter contains the other', [rule({ prefix: 'a/' }), rule({ prefix: 'a/b' })], /overlap/],
    ['two filters are the same', [rule(a), rule(a, { urn: urnOf('b') })], /overlap/],
    ['one has no filter', [rule(), rule(a)], /overlap/],
    ['suffixes overlap', [rule({ suffix: '.mp4' }), rule({ suffix: '4' })], /overlap/],
    ['suffixes overlap the other way round', [rule({ suffix: '4' }), rule({ suffix: '.mp4' })], /overlap/],
    ['prefixes overlap the other way round', [rule({ prefix: 'a/b' }), rule({ prefix: 'a/' })], /overlap/],
    ['prefix and suffix cross', [rule({ suffix: '.mp4' }), rule(a)], /overlap/],
    ['the function is in another region', [rule({}, { urn: urnOf('a', 'eu-west-101') })], /one region/],
    ['the URN is invalid', [rule({}, { urn: 'on-upload' })], /not the URN of a function/],
    ['there is no such function', [rule({}, { urn: urnOf('missing') })], /no function/],
    ['the event is unknown', [rule({}, { event: 'ObjectCreated:Append' })], /ObjectCreated:Append/],
    ['a filter is too long', [rule({ suffix: long })], /1025 characters, the limit is 1024 characters/],
    ['a filter is neither prefix nor suffix', [rule({ infix: 'a' } as object)], /infix/],
    ['two have the same id', [rule(a, { id: 'x' }), rule(disjoint, { id: 'x' })], /Id 'x'/],
    [
      'there are more than 100',
      Array.from({ length: 101 }, (_, index) => rule({ prefix: `${index}/` })),
      /limit is 100/,
    ],
  ])('%s', async (_name, rules, message) => {
    await start();
    await configure(rule({ prefix: 'before/' }));
    const { status, headers } = await configure(...rules);
    expect(headers['x-obs-error-code']).toBe('InvalidArgument');
    expect(status).toBe(400);
    expect(headers['x-obs-error-message']).toMatch(message);
    expect(obs.store.notifications(bucket)).toMatchObject([{ prefix: 'before/' }]);
  });

  test.each([
    ['it is not XML', 'nothing', 400, 'MalformedXML'],
    [
      'a function is missing',
      `<FunctionGraphConfiguration>${Event}</FunctionGraphConfiguration>`,
      400,
      'MalformedXML',
    ],
    [
      'it names a topic of SMN',
      `<TopicConfiguration><Topic>t</Topic>${Event}</TopicConfiguration>`,
      501,
      'NotImplemented',
    ],
  ])('%s', async (_name, content, status, code) => {
    await start();
    const { headers, ...answer } = await configure(content);
    expect([answer.status, headers['x-obs-error-code']]).toEqual([status, code]);
  });

  test('nothing else is wrong: filters of 1,024 characters and a hundred of them are accepted', async () => {
    await start();
    const exact = rule({ prefix: 'x'.repeat(1024) });
    const rest = Array.from({ length: 99 }, (_, index) => rule({ prefix: `${index}/` }));
    expect((await configure(exact, ...rest)).status).toBe(200);
  });
});

describe('a write', () => {
  test('triggers the notification whose filter and event match, and no other', async () => {
    await start();
    await configure(
      rule({ prefix: 'in/', suffix: '.mp4' }, { id: 'created', urn: urnOf('created') }),
      rule({ prefix: 'out/' }, { id: 'removed', urn: urnOf('removed'), event: 's3:ObjectRemoved:Delete' }),
      rule({ prefix: 'copy/' }, { id: 'copied', urn: urnOf('copied'), event: 'ObjectCreated:Copy' }),
    );
    for (const key of ['in/a b.mp4', 'in/a.txt', 'elsewhere.mp4', 'out/a', 'copy/put']) {
      await obs.signed('PUT', { bucket, key }, { body: 'abc' });
    }
    await obs.signed('DELETE', { bucket, key: 'in/a b.mp4' });
    await obs.signed('DELETE', { bucket, key: 'out/a' });
    const headers = { 'x-obs-copy-source': '/videos/in/a.txt' };
    await obs.signed('PUT', { bucket, key: 'copy/copied' }, { headers });
    await settled();
    expect(calls).toMatchObject([
      {
        functionUrn: urnOf('created'),
        event: {
          Records: [
            {
              eventVersion: '3.0',
              eventSource: 'OBS',
              eventRegion: REGION,
              eventName: 'ObjectCreated:Put',
              obs: {
                configurationId: 'created',
                bucket: { name: bucket },
                object: { key: 'in%2Fa+b.mp4', size: 3, eTag: '900150983cd24fb0d6963f7d28e17f72' },
              },
            },
          ],
        },
      },
      { functionUrn: urnOf('removed'), event: { Records: [{ eventName: 'ObjectRemoved:Delete' }] } },
      { functionUrn: urnOf('copied'), event: { Records: [{ eventName: 'ObjectCreated:Copy' }] } },
    ]);
    expect(calls).toHaveLength(3);
  });

  test('inside this process notifies as well', async () => {
    await start();
    await configure(rule());
    await obs.store.put(bucket, 'a', Buffer.from('a'));
    await until(() => calls.length === 1);
  });

  test('succeeds when the function has gone meanwhile', async () => {
    await start();
    const report = jest.spyOn(console, 'error').mockImplementation(() => {});
    await configure(rule({}, { id: 'lost', urn: urnOf('gone') }));
    expect((await obs.signed('PUT', { bucket, key: 'a' }, { body: 'a' })).status).toBe(200);
    await until(() => report.mock.calls.length > 0);
    expect(report.mock.calls[0]?.[0]).toMatch(/lost .*gone/);
    report.mockRestore();
  });

  test('after the server was closed notifies nobody', async () => {
    await start();
    await configure(rule());
    await new Promise((resolve) => obs.server.close(resolve).closeAllConnections());
    const seen = new Promise<void>((resolve) => void obs.store.onObjectEvent(() => resolve()));
    await obs.store.put(bucket, 'a', Buffer.from('a'));
    await seen;
    expect(calls).toEqual([]);
  });
});

describe('the switch', () => {
  test.each([
    ['encodeEventKeys: true', { encodeEventKeys: true }, { obs: { object: { key: 'a%2Fb+c' } } }],
    ['encodeEventKeys: false', { encodeEventKeys: false }, { obs: { object: { key: 'a/b c' } } }],
    ["notificationShape: 'obs'", { notificationShape: 'obs' }, { eventVersion: '3.0', eventSource: 'OBS' }],
    [
      "notificationShape: 's3'",
      { notificationShape: 's3' },
      { eventVersion: '2.0', s3: { configurationId: 'id', object: { key: 'a%2Fb+c' } } },
    ],
  ] as const)('%s', async (_name, behaviour, expected) => {
    await start(behaviour);
    await configure(rule({}, { id: 'id' }));
    await obs.store.put(bucket, 'a/b c', Buffer.from('a'));
    await until(() => calls.length === 1);
    expect(calls).toMatchObject([{ event: { Records: [expected] } }]);
  });
});
