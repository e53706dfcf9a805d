import { zipFunction } from '../../deploy/bundle';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { type DesiredState, desiredState } from '../../deploy/desired-state';
import type { CommandOptions } from '../../deploy/framework';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { lineText, readLogLine } from '../../deploy/log-lines';
import { logs } from '../../deploy/logs';
import { readService } from '../../deploy/service-file';
import { LOG_PLACE } from '../../local/account';
import { type Cloud, startCloud } from '../../local/cloud';
import { startDeployedCloud } from '../../local/commands/deployed-cloud';
import { desiredOf } from './cloud-to-deploy-to';

let cloud: Cloud;
let api: FunctionGraphApi;
let desired: DesiredState;
let printed: string[];

/** Logs what its event says, as the functions do, and fails when it is told to. */
const CODE = `exports.handler = async (event, context) => {
  const line = { time: new Date().toISOString(), level: 'info', event: 'test.said', request_id: context.getRequestID(), function: context.getFunctionName(), ...event };
  console.log(JSON.stringify(line));
  if (event.fail) throw new Error('told to');
};`;

beforeAll(async () => {
  cloud = await startCloud({ port: 0, lts: { behaviour: { linesPerSearch: 70 } } });
  api = new FunctionGraphApi(new CloudApi(connectionFrom(cloud.environment, cloud.region)));
  desired = await desiredOf('prod');
  const zip = await zipFunction(Buffer.from(CODE));
  for (const one of desired.functions.slice(0, 3)) await api.createFunction(one, zip);
  // All but `query`, which keeps no logs.
  for (const { name } of desired.functions.slice(0, 2)) {
    const {
      groupId: group_id,
      groupName: group_name,
      streamId: stream_id,
      streamName: stream_name,
    } = LOG_PLACE;
    await api.cloud.call('functiongraph', {
      method: 'PUT',
      path: `/v2/${cloud.accessKey.projectId}/fgs/functions/${api.urnOf(name)}/config`,
      body: {
        func_name: name,
        runtime: 'Node.js20.15',
        handler: 'index.handler',
        memory_size: 128,
        timeout: 30,
        enable_lts_log: true,
        log_config: { group_id, group_name, stream_id, stream_name },
      },
    });
  }
});
afterAll(() => cloud.close());
beforeEach(() => {
  printed = [];
});

const run = (options: CommandOptions, nextLook?: () => Promise<unknown>) =>
  logs({ desired, api, options, print: (line) => printed.push(line) }, nextLook);
const invoke = (key: string, event: object) => cloud.functiongraph.invoke(`mpc-snapshots-prod-${key}`, event);
const lines = () => printed.map((line) => JSON.parse(line) as Record<string, unknown>);

test('log lines are shown in order over several pages, each with its function', async () => {
  for (let number = 0; number < 70; number++) await invoke('create', { number });
  await invoke('cancel', { number: 70 });
  await run({ json: true });
  expect(lines().flatMap(({ number }) => (number === undefined ? [] : [number]))).toEqual([
    ...Array(71).keys(),
  ]);
  expect(lines()).toHaveLength(3 * 71);
  expect(new Set(lines().map((line) => line.function))).toEqual(
    new Set(['mpc-snapshots-prod-create', 'mpc-snapshots-prod-cancel']),
  );
});

test('-f shows one function, --request one invocation, with the platform’s lines and the error', async () => {
  await invoke('cancel', { marked: 'of cancel' });
  await run({ function: 'cancel' });
  expect(printed.join('\n')).toContain('mpc-snapshots-prod-cancel  info   test.said marked=of cancel');
  expect(printed.join('\n')).not.toContain('prod-create');
  printed = [];
  const { requestId } = await invoke('create', { fail: true });
  await run({ request: requestId });
  expect(printed).toHaveLength(4);
  expect(printed[0]).toContain(`Start invoke request '${requestId}'`);
  expect(printed[1]).toContain('test.said fail=true');
  expect(printed[2]).toMatch(/mpc-snapshots-prod-create {2}error {2}.*told to/s);
  expect(printed[3]).toMatch(/Finish invoke request .* duration: /);
});

test('--tail shows new lines as they come, and none twice', async () => {
  let looks = 0;
  await run({ tail: true, json: true, since: '1d', function: 'create' }, async () => {
    looks += 1;
    if (looks === 3) return false;
    await invoke('create', { look: looks });
    return undefined;
  });
  expect(lines().flatMap(({ look }) => (look === undefined ? [] : [look]))).toEqual([1, 2]);
  expect(new Set(printed).size).toBe(printed.length);
});

test('stage local keeps its logs, in the form of docs/log-events.md', async () => {
  const local = await startDeployedCloud({ port: 0 });
  const answer = await fetch(`${local.addresses.gateway}/snapshots/none`);
  const { request_id: request } = (await answer.json()) as { request_id: string };
  const stage = desiredState(await readService('local', local.environment));
  const client = new CloudApi(connectionFrom(local.environment, local.region));
  await logs({
    desired: stage,
    api: new FunctionGraphApi(client),
    options: { request, json: true },
    print: (line) => printed.push(line),
  });
  await local.close();
  expect(lines()).toHaveLength(4);
  expect(lines()[1]).toMatchObject({ event: 'mpc.called', operation: 'list', status: 200 });
  expect(lines()[2]).toMatchObject({ event: 'api.refused', level: 'info', status: 404, function: 'query' });
});

test('a function without logs, a missing function and an invalid time are reported', async () => {
  await expect(run({ function: 'query' })).rejects.toThrow(
    /^mpc-snapshots-prod-query: no logs are kept: set LTS_GROUP_ID/,
  );
  await expect(run({ function: 'on-upload' })).rejects.toThrow('mpc-snapshots-prod-on-upload: not deployed');
  await expect(run({ function: 'other' })).rejects.toThrow('there is no function "other"');
  await expect(run({ since: 'yesterday' })).rejects.toThrow(
    '--since must be a number with s, m, h or d, such as 90s, 10m, 1h or 2d, got "yesterday"',
  );
});

test.each([
  [
    '2026-11-27T22:00:00Z 0123456789abcdef WARN {"time":"2026-11-27T22:00:00.123Z","level":"warn","event":"claim.duplicates","request_id":"r1","function":"f","task_ids":["1","2"]}',
    '2026-11-27T22:00:00.123Z  f  warn   claim.duplicates task_ids=["1","2"]  (r1)',
  ],
  [
    '2026-11-27T22:00:00Z 0123456789abcdef ERROR {"errorMessage":"x"}',
    '2026-11-27T22:00:00Z  -  error  {"errorMessage":"x"}  (0123456789abcdef)',
  ],
  ['something else', '-  something else'],
  ['{"time": broken', '-  {"time": broken'],
])('the line %s is shown as %s', (content, expected) => {
  expect(lineText(readLogLine(content)).replace(/ {4,}/, '  ')).toBe(expected);
});

test('a name with a line end cannot look like another line', () => {
  const forged = '2026-11-27T22:00:00Z  on-upload  error  sweep.done failed=1';
  const event = { time: '2026-11-27T22:00:00Z', event: 'upload.processed', key: `a\n${forged}` };
  for (const content of [JSON.stringify(event), `x\n${forged}`]) {
    const [, ...others] = lineText(readLogLine(content)).split('\n');
    expect(others).toEqual([`    ${forged}`]);
  }
});
