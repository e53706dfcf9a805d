import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildArtifacts, readArtifacts, refuseHandler, writeArtifacts } from '../../deploy/artifacts';
import { bucketState, refuseBuckets } from '../../deploy/buckets';
import { zipFunction } from '../../deploy/bundle';
import type { CommandOptions } from '../../deploy/framework';
import { info } from '../../deploy/info';
import { invoke } from '../../deploy/invoke';
import { assertLocalEndpoint } from '../../deploy/provider-plugin';
import { remove } from '../../deploy/remove';
import type { Session } from '../../deploy/session';
import { type Cloud, startCloud } from '../../local/cloud';
import { closeServer, listen } from '../../local/http-server';
import { CloudToDeployTo, codeFor, desiredOf, KEY } from './cloud-to-deploy-to';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'package-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('with a deployed stage', () => {
  let cloud: CloudToDeployTo;
  let printed: string[];
  beforeEach(async () => {
    cloud = await CloudToDeployTo.start();
    printed = [];
    const desired = await desiredOf('prod');
    await cloud.deploy(desired, await codeFor(desired));
  });
  afterEach(() => cloud.stop());

  const session = async (options: CommandOptions = {}, stage = 'prod'): Promise<Session> => ({
    desired: await desiredOf(stage),
    api: cloud.api(),
    options,
    print: (line) => printed.push(line),
  });

  test('`remove` deletes the functions of the stage and no others, and a second time finds nothing', async () => {
    const other = await desiredOf('prod-eu');
    await cloud.deploy(other, await codeFor(other));
    await remove(await session());
    expect(cloud.namesOfFunctions()).toHaveLength(5);
    for (const name of cloud.namesOfFunctions()) expect(name).toMatch(/^mpc-snapshots-prod-eu-/);
    printed = [];
    await remove(await session());
    expect(printed).toEqual(['nothing to remove']);
    expect(cloud.namesOfFunctions()).toHaveLength(5);
  });

  test('`remove` deletes triggers before their function, and continues after an interruption', async () => {
    cloud.calls.length = 0;
    cloud.fates.push(...Array(6).fill('pass'), 403);
    await expect(remove(await session())).rejects.toThrow('FSS.0403');
    await remove(await session());
    expect(cloud.namesOfFunctions()).toEqual([]);
    const calls = cloud.calls.filter((call) => /^DELETE .*-query/.test(call));
    expect(calls.findIndex((call) => call.startsWith('DELETE functions'))).toBeGreaterThanOrEqual(1);
  });

  test('`info` lists what is deployed', async () => {
    await info(await session());
    expect(printed[0]).toBe('mpc-snapshots, stage prod, ap-southeast-3: 5 functions');
    const text = printed.join('\n');
    expect(text).toContain(
      'urn:fss:ap-southeast-3:0123456789abcdef0123456789abcdef:function:default:mpc-snapshots-prod-create:latest',
    );
    expect(text).toContain('APIG POST /snapshots (APP)');
    expect(text).toContain('OBS prod-videos/*');
    expect(text).toContain('TIMER sweep 1m');
  });

  test('`info` names wrong settings in one line, and goes on', async () => {
    const { desired, ...others } = await session();
    const functions = desired.functions.map((one) => ({
      ...one,
      userData: { ...one.userData, CAPTURES: '[{}]' },
    }));
    await info({ ...others, desired: { ...desired, functions } });
    expect(printed[1]).toMatch(
      /^! captures unknown, wrong settings: .*CAPTURES\[0\]\.name is required.*; see npm run doctor -- --stage prod$/,
    );
    expect(printed.join('\n')).toContain('TIMER sweep 1m');
  });

  test('an answer that is not FunctionGraph’s is an error in one line', async () => {
    const server = createServer((_, response) => response.end('<html>'));
    const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
    const api = cloud.api({ ...cloud.connection, endpoints: { functiongraph: endpoint } });
    await expect(info({ ...(await session()), api })).rejects.toThrow(
      /^the list of functions: the answer is not that of FunctionGraph \(functions: .*; check .*_ENDPOINT/,
    );
    await closeServer(server);
  });

  test('`invoke` prints the result and knows only functions of the stage', async () => {
    await invoke(await session({ function: 'create', data: '{}' }));
    expect(printed).toEqual(['create first']);
    await expect(invoke(await session({ function: 'other' }))).rejects.toThrow(
      'there is no function "other"; there are create, cancel, query, on-upload, on-finish',
    );
    await expect(invoke(await session({ function: 'create', data: '{' }))).rejects.toThrow(
      '--data is not JSON',
    );
  });

  test('`invoke` fails when the function does', async () => {
    const code = 'exports.handler = async (event, context) => { throw new Error("no"); };';
    await cloud.api().updateCode('mpc-snapshots-prod-create', await zipFunction(Buffer.from(code)));
    await expect(invoke(await session({ function: 'create', log: true }))).rejects.toThrow(
      'mpc-snapshots-prod-create failed',
    );
    expect(printed.join('\n')).toMatch(/invocation exception, error: no[\s\S]*"errorMessage"/);
  });
});

test.each([
  undefined,
  'https://functiongraph.ap-southeast-3.myhuaweicloud.com',
  'http://127.0.0.1.example.com',
])('stage local is refused at %s: its API is open to everybody', (endpoint) => {
  expect(() => assertLocalEndpoint(endpoint)).toThrow(
    'FUNCTIONGRAPH_ENDPOINT must be an address of this machine',
  );
  assertLocalEndpoint('http://127.0.0.1:4003');
  assertLocalEndpoint('http://localhost:4003');
});

describe('a package', () => {
  const sources = [{ key: 'query', source: 'query' as const }];

  test('is read back as it was written', async () => {
    const artifacts = await buildArtifacts(sources);
    await writeArtifacts(folder, 'shop', artifacts);
    const [read] = await readArtifacts(folder, 'shop', sources);
    expect(read).toEqual({ key: 'query', zip: artifacts[0]?.zip, digest: artifacts[0]?.digest });
  });

  test.each([
    ['of another service', () => {}, 'other', 'is a package of service shop, not of other'],
    ['that lacks a function', () => {}, 'shop', 'has no code of create: package again'],
    [
      'that was changed',
      () => writeFileSync(path.join(folder, 'query.zip'), 'x'),
      'shop',
      'does not match manifest.json',
    ],
    ['that lost a file', () => rmSync(path.join(folder, 'query.zip')), 'shop', 'query.zip cannot be read'],
    [
      'without a manifest',
      () => rmSync(path.join(folder, 'manifest.json')),
      'shop',
      'make a package with `npm run package',
    ],
  ])('%s is refused', async (what, spoil, service, message) => {
    await writeArtifacts(folder, 'shop', await buildArtifacts(sources));
    spoil();
    const desired =
      what === 'that lacks a function' ? [{ key: 'create', source: 'create' as const }] : sources;
    await expect(readArtifacts(folder, service, desired)).rejects.toThrow(message);
  });

  test.each([
    ['module.exports = {};', 'must export a function named handler, got undefined'],
    ['exports.handler = 1;', 'must export a function named handler, got number'],
    ['exports.handler = async (event) => event;', 'handler declares 1 parameters'],
    ['exports.handler = async (...all) => all;', 'handler declares 0 parameters'],
    ['exports.handler = async (event, context = {}) => event;', 'handler declares 1 parameters'],
    ['exports.handler = async (a, b, c, d) => a;', 'handler declares 4 parameters'],
    ['throw new Error("no settings");', 'the bundle cannot be loaded: no settings'],
  ])('of %s is refused: the runtime would refuse it later', (code, message) => {
    expect(() => refuseHandler('create', code)).toThrow(message);
  });

  test('of a handler with a callback is accepted', () => {
    refuseHandler('create', 'exports.handler = (event, context, callback) => callback(null, event);');
  });
});

describe('a bucket', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({ port: 0 });
  });
  afterAll(() => cloud.close());

  const connection = (region: string, secretKey = cloud.accessKey.secretKey) => ({
    region,
    projectId: KEY.projectId,
    credentials: { accessKey: cloud.accessKey.accessKey, secretKey },
    endpoints: { obs: cloud.addresses.obs },
  });

  test('that exists reports its region, and one that cannot be read passes', async () => {
    expect(await bucketState('videos', connection('ap-southeast-3'))).toEqual({
      is: 'there',
      region: 'ap-southeast-3',
    });
    expect(await bucketState('videos', connection('ap-southeast-3', 'wrong'))).toEqual({ is: 'unknown' });
    expect(await bucketState('nowhere', connection('ap-southeast-3'))).toEqual({ is: 'missing' });
  });

  test('whose OBS gives no answer stops the deployment', async () => {
    const dead = { ...connection('ap-southeast-3'), endpoints: { obs: 'http://127.0.0.1:1' } };
    const desired = { ...(await desiredOf('prod')), buckets: ['videos'] };
    await expect(refuseBuckets(desired, dead)).rejects.toThrow(
      /^bucket videos: no answer \(.*\) from http:\/\/127.0.0.1:1; check the network, and OBS_ENDPOINT if it is set$/,
    );
  });

  test('that is missing or lies in another region stops the deployment', async () => {
    const local = await desiredOf('local', (service) => {
      service.provider.region = 'cn-north-4';
      service.functions['on-upload'].events[0].obs.bucket = 'nowhere';
    });
    await expect(refuseBuckets(local, connection('cn-north-4'))).rejects.toThrow(
      'bucket nowhere does not exist: create it in cn-north-4\nbucket local-snapshots does not exist: create it in cn-north-4',
    );
    const elsewhere = { ...local, buckets: ['videos'] };
    await expect(refuseBuckets(elsewhere, connection('cn-north-4'))).rejects.toThrow(
      'bucket videos is in ap-southeast-3, the functions are in cn-north-4: both must be in one region',
    );
  });
});
