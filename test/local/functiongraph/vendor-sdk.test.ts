import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../wait';
import { type Cloud, PROJECT, startCloud, urnOf, zipOf } from './cloud';

// The SDK's logger opens HuaweiCloud-SDK-Access.log in the current directory as soon as it is loaded, and prints every
// failed request with its credentials and its body to stdout. It is loaded elsewhere and silenced.
const logDirectory = mkdtempSync(path.join(tmpdir(), 'vendor-sdk-'));
const home = process.cwd();
process.chdir(logDirectory);
const { Logger4jInstance } = require('@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger');
Logger4jInstance.level = 'off';
const { BasicCredentials } = require('@huaweicloud/huaweicloud-sdk-core');
const { FunctionGraphClient } = require('@huaweicloud/huaweicloud-sdk-functiongraph');
process.chdir(home);

/**
 * What the SDK really takes and gives: its request types demand classes where plain objects in the API's own names work,
 * and its answers are the parsed JSON although their types promise camel case.
 */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
type Answer = Record<string, any> & { httpStatusCode: number };
type Client = Record<string, (request: Record<string, unknown>) => Promise<Answer>>;

const passed = new Set<string>();
let cloud: Cloud;
let client: Client;
beforeAll(async () => {
  cloud = await startCloud();
  client = FunctionGraphClient.newBuilder()
    .withCredential(new BasicCredentials().withAk('AKTEST').withSk('SKTEST').withProjectId(PROJECT))
    .withEndpoint(`http://127.0.0.1:${cloud.port}`)
    // Otherwise it writes an id into the home directory and sends it along.
    .withOptions({ customUserAgent: 'vendor-sdk-test' })
    .build();
});
afterAll(async () => {
  await cloud.close();
  rmSync(logDirectory, { recursive: true });
  console.info(
    `vendor's FunctionGraph SDK: ${passed.size} different operations passed (${[...passed].join(', ')})`,
  );
});

/** Calls an operation of the SDK and counts it once its answer is what was expected. */
async function call(operation: string, request: Record<string, unknown>, expected: unknown): Promise<Answer> {
  const answer = await client[operation]!(request);
  expect(answer).toMatchObject(expected as Record<string, unknown>);
  passed.add(operation);
  return answer;
}

const NAME = 'vendor';
const URN = urnOf(NAME);
const code = (text: string) => ({
  'index.js': `exports.handler = async (event, context) => { console.log('${text}'); return { ${text}: event }; };`,
});
const SETTINGS = {
  func_name: NAME,
  runtime: 'Node.js20.15',
  handler: 'index.handler',
  memory_size: 256,
  timeout: 10,
};

// Each step stands on those before it, as in a deployment.
describe("the vendor's SDK", () => {
  test('reads how many functions there may be', async () => {
    const quotas = { resources: [{ type: 'fgs_func_num', quota: 400, used: 0 }] };
    await call('listQuotas', {}, { httpStatusCode: 200, quotas });
  });

  test('creates a function and shows it', async () => {
    const created = await call(
      'createFunction',
      {
        body: {
          ...SETTINGS,
          package: 'default',
          code_type: 'zip',
          code_filename: 'index.zip',
          func_code: { file: await zipOf(code('one')) },
          user_data: '{"A":"1"}',
          xrole: 'messenger',
        },
      },
      { httpStatusCode: 200, func_urn: URN, runtime: 'Node.js20.15', user_data: '{"A":"1"}' },
    );
    await call('showFunctionConfig', { function_urn: URN }, { func_name: NAME, digest: created.digest });
    await call('showFunctionCode', { function_urn: URN }, { func_name: NAME, digest: created.digest });
    await call('listFunctions', { maxitems: '10' }, { functions: [{ func_name: NAME }], count: 1 });
  });

  test('updates code, configuration and number of instances', async () => {
    const body = { code_type: 'zip', func_code: { file: await zipOf(code('two')) } };
    await call('updateFunctionCode', { function_urn: URN, body }, { func_urn: URN });
    await call(
      'updateFunctionConfig',
      { function_urn: URN, body: { ...SETTINGS, timeout: 20, description: 'changed' } },
      { timeout: 20, description: 'changed', user_data: '{"A":"1"}' },
    );
    await call(
      'updateFunctionMaxInstanceConfig',
      { function_urn: URN, body: { max_instance_num: 1 } },
      { strategy_config: { concurrency: 1 } },
    );
  });

  test('creates, lists, shows, updates and deletes triggers', async () => {
    const timer = { name: 'every-day', schedule_type: 'Rate', schedule: '1d', user_event: 'x' };
    const gateway = {
      name: 'api',
      path: '/p',
      protocol: 'HTTPS',
      req_method: 'GET',
      group_id: 'g',
      env_name: 'RELEASE',
      auth: 'IAM',
      func_info: { timeout: 5000 },
    };
    const create = (type: string, eventData: unknown) =>
      call(
        'createFunctionTrigger',
        {
          function_urn: URN,
          body: { trigger_type_code: type, trigger_status: 'ACTIVE', event_data: eventData },
        },
        { httpStatusCode: 201, trigger_type_code: type, trigger_status: 'ACTIVE' },
      );
    const { trigger_id: timerId } = await create('TIMER', timer);
    await create('DEDICATEDGATEWAY', gateway);
    await create('OBS', { bucket: 'b', events: ['s3:ObjectCreated:*'], name: 'uploads' });
    const at = { function_urn: URN, trigger_type_code: 'TIMER', trigger_id: timerId };
    // The answer is an array that carries the status as a property.
    const listed = await client.listFunctionTriggers!({ function_urn: URN });
    expect(Array.from(listed as never, ({ trigger_type_code }) => trigger_type_code)).toEqual([
      'TIMER',
      'DEDICATEDGATEWAY',
      'OBS',
    ]);
    passed.add('listFunctionTriggers');
    await call(
      'updateTrigger',
      { ...at, body: { trigger_status: 'DISABLED' } },
      { trigger_status: 'DISABLED' },
    );
    await call('showFunctionTrigger', at, { trigger_status: 'DISABLED', event_data: timer });
    await call('deleteFunctionTrigger', at, { httpStatusCode: 204 });
    await call('batchDeleteFunctionTriggers', { function_urn: URN }, { httpStatusCode: 204 });
    expect(cloud.functiongraph.functions()[0]?.triggers).toEqual([]);
  });

  test('sets and shows the asynchronous configuration', async () => {
    const body = {
      max_async_retry_attempts: 0,
      max_async_event_age_in_seconds: 60,
      enable_async_status_log: true,
      destination_config: { on_success: { destination: 'OBS', param: '{"bucket":"b","prefix":"p"}' } },
    };
    await call(
      'updateFunctionAsyncInvokeConfig',
      { function_urn: URN, body },
      { httpStatusCode: 200, ...body },
    );
    await call('showFunctionAsyncInvokeConfig', { function_urn: URN }, body);
  });

  test('invokes it and waits for the result with the end of the log', async () => {
    const answer = await call(
      'invokeFunction',
      { function_urn: URN, 'X-Cff-Log-Type': 'tail', 'X-CFF-Request-Version': 'v1', body: { n: 1 } },
      { status: 200, result: '{"two":{"n":1}}' },
    );
    expect(answer.log).toContain(`${answer.request_id} INFO two\n`);
  });

  test('invokes it without waiting, and finds the result in the list', async () => {
    const { request_id: requestId } = await call(
      'asyncInvokeFunction',
      { function_urn: URN, body: { n: 2 } },
      { httpStatusCode: 202 },
    );
    await until(() =>
      cloud.invocations.some((one) => one.requestId === requestId && one.state === 'succeeded'),
    );
    await call(
      'listAsyncInvocations',
      { function_urn: URN, status: 'SUCCESS', limit: '10' },
      { count: 1, invocations: [{ request_id: requestId, status: 'SUCCESS', error_code: 0 }] },
    );
    await call('deleteFunctionAsyncInvokeConfig', { function_urn: URN }, { httpStatusCode: 204 });
  });

  test('publishes a version, lists and invokes it', async () => {
    const published = await call(
      'createFunctionVersion',
      { function_urn: URN, body: { version: 'v1', description: 'first' } },
      { func_urn: urnOf(NAME, 'v1'), version: 'v1' },
    );
    await call(
      'listFunctionVersions',
      { function_urn: URN, maxitems: '10' },
      { versions: [{ version: 'latest' }, { version: 'v1', digest: published.digest }], count: 2 },
    );
    await call('invokeFunction', { function_urn: urnOf(NAME, 'v1'), body: {} }, { result: '{"two":{}}' });
  });

  test('understands every refusal', async () => {
    await expect(client.showFunctionConfig!({ function_urn: urnOf('nobody') })).rejects.toMatchObject({
      httpStatusCode: 404,
      errorCode: 'FSS.1051',
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    await expect(client.createFunctionVersion!({ function_urn: URN, body: {} })).rejects.toMatchObject({
      httpStatusCode: 400,
      errorCode: 'FSS.1016',
    });
  });

  test('deletes it', async () => {
    await call('deleteFunction', { function_urn: URN }, { httpStatusCode: 204 });
    expect(cloud.functiongraph.functions()).toEqual([]);
    expect(passed.size).toBe(23);
  });
});
