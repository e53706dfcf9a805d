import fc from 'fast-check';
import { type DesiredFunction, type DesiredState, ownerMark } from '../../deploy/desired-state';
import type { DesiredTrigger } from '../../deploy/desired-triggers';
import type { LiveConfiguration, LiveTrigger } from '../../deploy/functiongraph-api';
import type { LiveFunction, LiveState } from '../../deploy/live-state';
import { isEmpty, plan } from '../../deploy/plan';

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
const key = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,5}$/);
const bucket = fc.constantFrom('videos', 'films');

const trigger: fc.Arbitrary<DesiredTrigger> = fc.oneof(
  fc.record({
    type: fc.constantFrom('APIG' as const, 'DEDICATEDGATEWAY' as const),
    eventData: fc.record({
      path: fc.constantFrom('/a', '/a/{id}', '/b'),
      req_method: fc.constantFrom('GET', 'POST'),
      auth: fc.constantFrom('IAM', 'APP'),
      group_id: fc.constantFrom('g1', 'g2'),
      func_info: fc.record({ timeout: fc.integer({ min: 1, max: 60_000 }) }),
    }),
  }),
  fc.record({
    type: fc.constant('OBS' as const),
    eventData: fc.record({
      bucket,
      prefix: fc.constantFrom('', 'in/'),
      suffix: fc.constantFrom('', '.mp4'),
      events: fc.uniqueArray(
        fc.constantFrom('s3:ObjectCreated:Put', 's3:ObjectCreated:Post', 's3:ObjectRemoved:*'),
        { minLength: 1 },
      ),
    }),
  }),
  fc.record({
    type: fc.constant('TIMER' as const),
    status: fc.constantFrom('ACTIVE' as const, 'DISABLED' as const),
    eventData: fc.record({ name, schedule: fc.constantFrom('1m', '2m', '3h'), user_event: fc.string() }),
  }),
);

const desiredFunction: fc.Arbitrary<DesiredFunction> = fc.record(
  {
    key: name,
    name,
    source: fc.constant('create' as const),
    description: fc.string().map((text) => `${text} ${ownerMark({ service: 's', stage: 'prod' })}`),
    runtime: fc.constant('Node.js20.15'),
    memoryMb: fc.constantFrom(128, 256),
    timeoutSeconds: fc.integer({ min: 3, max: 900 }),
    agency: name,
    userData: fc.dictionary(key, fc.string()),
    secrets: fc.constant({}),
    maxInstances: fc.integer({ min: -1, max: 1000 }),
    asynchronous: fc.record({
      max_async_retry_attempts: fc.integer({ min: 0, max: 3 }),
      max_async_event_age_in_seconds: fc.integer({ min: 1, max: 86_400 }),
      destination_config: fc.record({
        on_failure: fc.oneof(
          fc.constant({ destination: '', param: '' }),
          fc.record({
            destination: fc.constant('OBS'),
            param: fc.record({ bucket, prefix: name }).map((value) => JSON.stringify(value)),
          }),
        ),
      }),
    }),
    triggers: fc.uniqueArray(trigger, { maxLength: 5, selector: (one) => JSON.stringify(one.eventData) }),
  },
  {
    requiredKeys: [
      'key',
      'name',
      'source',
      'description',
      'runtime',
      'memoryMb',
      'timeoutSeconds',
      'agency',
      'userData',
      'secrets',
      'triggers',
    ],
  },
) as fc.Arbitrary<DesiredFunction>;

const desired: fc.Arbitrary<DesiredState> = fc
  .uniqueArray(desiredFunction, { maxLength: 4, selector: (one) => one.name })
  .map((functions) => ({
    service: 's',
    stage: 'prod',
    region: 'r',
    buckets: [],
    functions: functions.map((one, index) => ({ ...one, key: `f${index}` })),
  }));

const digestsOf = ({ functions }: DesiredState) =>
  Object.fromEntries(functions.map((one) => [one.key, `digest of ${one.key}`]));

/** What a faithful FunctionGraph answers after the deployment: more than was sent, in another order. */
function liveOf({ functions }: DesiredState): LiveState {
  return {
    functions: functions.map((one): LiveFunction => {
      const configuration: LiveConfiguration = {
        func_urn: `urn:${one.name}`,
        func_name: one.name,
        description: one.description,
        runtime: one.runtime,
        handler: 'index.handler',
        memory_size: one.memoryMb,
        timeout: one.timeoutSeconds,
        user_data: JSON.stringify(reversed(one.userData)),
        xrole: one.agency,
        app_xrole: '',
        digest: `digest of ${one.key}`,
        strategy_config: { concurrency: one.maxInstances ?? 400 },
      };
      const onFailure = one.asynchronous?.destination_config.on_failure;
      return {
        name: one.name,
        isOwn: true,
        configuration,
        triggers: one.triggers.map(liveTrigger).reverse(),
        asynchronous: one.asynchronous &&
          onFailure && {
            ...one.asynchronous,
            destination_config: {
              on_success: { destination: '', param: '' },
              on_failure:
                onFailure.destination === ''
                  ? onFailure
                  : { ...onFailure, param: JSON.stringify(reversed(JSON.parse(onFailure.param))) },
            },
          },
      };
    }),
  };
}

function liveTrigger({ type, status, eventData }: DesiredTrigger, index: number): LiveTrigger {
  return {
    trigger_id: `id ${index}`,
    trigger_type_code: type,
    trigger_status: status ?? 'ACTIVE',
    event_data: {
      triggerid: 'id',
      ...reversed(eventData),
      ...(Array.isArray(eventData.events) && { events: eventData.events.toReversed() }),
    },
  };
}

function reversed<T>(fields: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).reverse());
}

test('a plan is empty if the state is right, whatever fields answers add and in whatever order they come', () => {
  fc.assert(
    fc.property(desired, (state) => {
      expect(plan(state, liveOf(state), digestsOf(state), { prune: true })).toEqual({
        functions: [],
        removals: [],
        additions: [],
        warnings: [],
        refusals: [],
      });
    }),
  );
});

test('a plan turns any state into any other', () => {
  fc.assert(
    fc.property(desired, desired, (before, after) => {
      const live = liveOf(before);
      const todo = plan(after, live, digestsOf(after), { prune: true });
      expect(todo.refusals).toEqual([]);
      expect(plan(after, carriedOut(todo, live, after), digestsOf(after), { prune: true })).toMatchObject({
        functions: [],
        removals: [],
        additions: [],
      });
    }),
  );
});

/** What a plan leaves behind: of each function only what the plan says is changed. */
function carriedOut(todo: ReturnType<typeof plan>, live: LiveState, after: DesiredState): LiveState {
  const ideal = liveOf(after);
  const gone = todo.removals
    .filter(({ what }) => what === 'function')
    .map(({ functionName }) => functionName);
  const created = todo.functions
    .filter(({ action }) => action === 'create')
    .map((change) => change.desired.name);
  const functions = [
    ...live.functions.filter(({ name }) => !gone.includes(name)),
    ...ideal.functions.filter(({ name }) => created.includes(name)).map((one) => ({ ...one, triggers: [] })),
  ].map((one) => {
    const target = ideal.functions.find(({ name }) => name === one.name);
    const change = todo.functions.find((candidate) => candidate.desired.name === one.name);
    const triggers = one.triggers.filter(
      (existing) =>
        !todo.removals.some(
          (removal) =>
            removal.what === 'trigger' && removal.functionName === one.name && removal.trigger === existing,
        ),
    );
    for (const addition of todo.additions.filter(({ functionName }) => functionName === one.name)) {
      if (addition.what === 'trigger') triggers.push(liveTrigger(addition.trigger, 1000 + triggers.length));
      else {
        const index = triggers.findIndex(({ trigger_id }) => trigger_id === addition.id);
        triggers[index] = { ...triggers[index]!, trigger_status: addition.status };
      }
    }
    const { digest } = one.configuration;
    const configured =
      change?.configuration.length && target ? { ...target.configuration, digest } : one.configuration;
    return {
      ...one,
      triggers,
      configuration: change?.sendsCode ? { ...configured, digest: target?.configuration.digest } : configured,
      asynchronous:
        change === undefined || change.asynchronous === 'keep' ? one.asynchronous : target?.asynchronous,
    };
  });
  return { functions };
}

describe('one difference', () => {
  const STATE: DesiredState = {
    service: 's',
    stage: 'prod',
    region: 'r',
    buckets: [],
    functions: [
      {
        key: 'f0',
        name: 'one',
        source: 'create',
        description: ownerMark({ service: 's', stage: 'prod' }),
        runtime: 'Node.js20.15',
        memoryMb: 128,
        timeoutSeconds: 30,
        agency: 'agency',
        userData: { A: '1' },
        secrets: {},
        maxInstances: 1,
        asynchronous: {
          max_async_retry_attempts: 3,
          max_async_event_age_in_seconds: 3600,
          destination_config: { on_failure: { destination: 'OBS', param: '{"bucket":"b"}' } },
        },
        triggers: [
          { type: 'TIMER', status: 'ACTIVE', eventData: { name: 't', schedule: '1m', user_event: '' } },
          {
            type: 'APIG',
            eventData: { path: '/a', req_method: 'GET', auth: 'IAM', func_info: { timeout: 5 } },
          },
        ],
      },
    ],
  };
  const changed = (change: (one: DesiredFunction) => DesiredFunction): DesiredState => ({
    ...STATE,
    functions: STATE.functions.map(change),
  });

  test.each<[string, (one: DesiredFunction) => DesiredFunction]>([
    ['memory', (one) => ({ ...one, memoryMb: 256 })],
    ['time-out', (one) => ({ ...one, timeoutSeconds: 31 })],
    ['agency', (one) => ({ ...one, agency: 'other' })],
    ['instances', (one) => ({ ...one, maxInstances: 2 })],
    ['a value of user data', (one) => ({ ...one, userData: { A: '2' } })],
    ['one more name of user data', (one) => ({ ...one, userData: { A: '1', B: '' } })],
    ['one name of user data less', (one) => ({ ...one, userData: {} })],
    ['a secret, which cannot be read back', (one) => ({ ...one, secrets: { S: 'x' } })],
    ['retries', (one) => ({ ...one, asynchronous: { ...one.asynchronous!, max_async_retry_attempts: 2 } })],
    [
      'event age',
      (one) => ({ ...one, asynchronous: { ...one.asynchronous!, max_async_event_age_in_seconds: 1 } }),
    ],
    [
      'destination',
      (one) => ({
        ...one,
        asynchronous: {
          ...one.asynchronous!,
          destination_config: { on_failure: { destination: 'OBS', param: '{"bucket":"c"}' } },
        },
      }),
    ],
    ['no asynchronous settings', ({ asynchronous: _, ...one }) => one],
    ['a trigger less', (one) => ({ ...one, triggers: one.triggers.slice(1) })],
    [
      'a trigger more',
      (one) => ({ ...one, triggers: [...one.triggers, { type: 'OBS', eventData: { bucket: 'b' } }] }),
    ],
    [
      'a schedule',
      (one) => ({
        ...one,
        triggers: [{ ...one.triggers[0]!, eventData: { name: 't', schedule: '2m' } }, one.triggers[1]!],
      }),
    ],
    [
      'a timer that is switched off',
      (one) => ({ ...one, triggers: [{ ...one.triggers[0]!, status: 'DISABLED' }, one.triggers[1]!] }),
    ],
    [
      'a time-out inside a trigger',
      (one) => ({
        ...one,
        triggers: [
          one.triggers[0]!,
          { type: 'APIG', eventData: { ...one.triggers[1]!.eventData, func_info: { timeout: 6 } } },
        ],
      }),
    ],
  ])('is seen: %s', (_, change) => {
    const todo = plan(changed(change), liveOf(STATE), digestsOf(STATE));
    expect(isEmpty(todo)).toBe(false);
    expect(todo.functions.every(({ sendsCode }) => !sendsCode)).toBe(true);
  });

  test('of the code sends the code alone', () => {
    const todo = plan(STATE, liveOf(STATE), { f0: 'other digest' });
    expect(todo.functions).toEqual([
      expect.objectContaining({ action: 'update', sendsCode: true, configuration: [], asynchronous: 'keep' }),
    ]);
  });
});

test('an EventGrid subscription that cannot be read back in full is kept, and made again with --force', () => {
  const eventData = { bucket: 'videos', channel_id: 'c', prefix: 'in/' };
  const state: DesiredState = {
    service: 's',
    stage: 'prod',
    region: 'r',
    buckets: [],
    functions: [],
  };
  fc.assert(
    fc.property(desiredFunction, (one) => {
      const subscribed: DesiredState = {
        ...state,
        functions: [{ ...one, key: 'f0', triggers: [{ type: 'EVENTGRID', eventData }] }],
      };
      const live = liveOf(subscribed);
      const [deployed] = live.functions;
      const answered: LiveState = {
        functions: [
          { ...deployed!, triggers: [{ ...deployed!.triggers[0]!, event_data: { bucket: 'videos' } }] },
        ],
      };
      expect(isEmpty(plan(subscribed, answered, digestsOf(subscribed)))).toBe(true);
      const forced = plan(subscribed, answered, digestsOf(subscribed), { force: true });
      expect([forced.removals, forced.additions].map((list) => list.length)).toEqual([1, 1]);
    }),
    { numRuns: 10 },
  );
});
