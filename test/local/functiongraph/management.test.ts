import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { AccessLogEntry } from '../../../local/front';
import { type Cloud, PROJECT, startCloud, urnOf, zipOf } from './cloud';

const CODE = 'exports.handler = async (event, context) => ({ got: event });';
const requests: AccessLogEntry[] = [];
let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ onRequest: (request) => requests.push(request) });
});
afterAll(() => cloud.close());

describe('a function', () => {
  test('is created, shown, listed and deleted', async () => {
    const created = await cloud.deploy('first', CODE, {
      user_data: '{"A":"1"}',
      encrypted_user_data: '{"B":"2"}',
      description: 'about it',
    });
    expect(created).toMatchObject({
      status: 200,
      body: {
        func_urn: urnOf('first'),
        func_name: 'first',
        package: 'default',
        runtime: 'Node.js20.15',
        handler: 'index.handler',
        timeout: 10,
        memory_size: 256,
        code_type: 'zip',
        version: 'latest',
        user_data: '{"A":"1"}',
        encrypted_user_data: '',
        description: 'about it',
        digest: expect.stringMatching(/^[0-9a-f]{128}$/),
        strategy_config: { concurrency: 400, concurrent_num: 1 },
      },
    });
    const shown = await cloud.call('GET', `fgs/functions/${urnOf('first')}/config`);
    expect(shown).toMatchObject({ status: 200, body: created.body });
    const code = await cloud.call('GET', `fgs/functions/${urnOf('first')}/code`);
    expect(code).toMatchObject({ status: 200, body: { digest: created.body.digest } });

    await cloud.deploy('second', CODE);
    const names = async (query: string) => {
      const { body } = await cloud.call('GET', `fgs/functions?${query}`);
      return [
        body.functions.map((one: { func_name: string }) => one.func_name),
        body.count,
        body.next_marker,
      ];
    };
    expect(await names('maxitems=1')).toEqual([['first'], 1, 1]);
    expect(await names('marker=1&maxitems=1')).toEqual([['second'], 1, 2]);
    expect(await names('func_name=sec')).toEqual([['second'], 1, 1]);

    const unversioned = urnOf('second').replace(/:latest$/, '');
    expect((await cloud.call('DELETE', `fgs/functions/${unversioned}`)).status).toBe(204);
    expect(cloud.functiongraph.functions().map(({ name }) => name)).toEqual(['first']);
  });

  test('that is deleted leaves nothing behind', async () => {
    const code =
      'exports.handler = async (event, c) => [process.env.RUNTIME_CODE_ROOT, c.getUserData("A"), process.pid];';
    const settings = { user_data: '{"A":"old"}' };
    await cloud.deploy('gone', code, settings);
    await cloud.addTrigger('gone', 'DEDICATEDGATEWAY', { name: 'g', path: '/gone', req_method: 'GET' });
    await cloud.call('PUT', `fgs/functions/${urnOf('gone')}/async-invoke-config`, {
      enable_async_status_log: true,
    });
    await cloud.call('POST', `fgs/functions/${urnOf('gone')}/versions`, { version: 'v1' });
    const invoke = async () => JSON.parse((await cloud.functiongraph.invoke('gone', {})).body ?? '');
    const [codeRoot, , pid] = await invoke();
    expect(existsSync(codeRoot)).toBe(true);
    expect((await cloud.call('DELETE', `fgs/functions/${urnOf('gone')}`)).status).toBe(204);
    // `<work>/<function>/code-…/opt/function/code`
    expect(existsSync(path.resolve(codeRoot, '../../../..'))).toBe(false);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(cloud.functiongraph.apiRoutes()).toEqual([]);

    await cloud.deploy('gone', code);
    expect((await invoke())[1]).toBeNull();
    expect((await cloud.call('GET', `fgs/triggers/${urnOf('gone')}`)).body).toEqual([]);
    expect((await cloud.call('GET', `fgs/functions/${urnOf('gone')}/async-invoke-config`)).status).toBe(404);
    expect((await cloud.call('GET', `fgs/functions/${urnOf('gone', 'v1')}/config`)).status).toBe(404);
    await cloud.call('DELETE', `fgs/functions/${urnOf('gone')}`);
  });

  test.each(['marker=-1', 'marker=x', 'maxitems=-1', 'maxitems=x'])(
    'is not listed with %s',
    async (query) => {
      const answer = await cloud.call('GET', `fgs/functions?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
      expect(answer.body.error_msg).toContain(query.split('=')[0]);
    },
  );

  test('cannot be created twice: 409 FSS.1061', async () => {
    await cloud.deploy('twice', CODE);
    expect(await cloud.deploy('twice', CODE)).toMatchObject({
      status: 409,
      body: { error_code: 'FSS.1061' },
    });
  });

  test('that is created twice at the same time exists once', async () => {
    const answers = await Promise.all([cloud.deploy('race', CODE), cloud.deploy('race', CODE)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test.each([
    ['GET', 'config'],
    ['PUT', 'config'],
    ['PUT', 'code'],
    ['POST', 'invocations'],
    ['POST', 'invocations-async'],
    ['GET', 'async-invoke-config'],
  ])('that does not exist: %s …/%s answers 404 FSS.1051', async (method, what) => {
    const body = method === 'GET' ? undefined : {};
    const answer = await cloud.call(method, `fgs/functions/${urnOf('missing')}/${what}`, body);
    expect(answer).toMatchObject({ status: 404, body: { error_code: 'FSS.1051' } });
  });

  test('has no version but latest, and a URN of its own project', async () => {
    await cloud.deploy('versions', CODE);
    const version = await cloud.call(
      'GET',
      `fgs/functions/${urnOf('versions').replace('latest', 'v1')}/config`,
    );
    expect(version).toMatchObject({ status: 404, body: { error_code: 'FSS.1052' } });
    const foreign = await cloud.call(
      'GET',
      `fgs/functions/${urnOf('versions').replace('cn-north-4', 'x')}/config`,
    );
    expect(foreign).toMatchObject({ status: 400, body: { error_code: 'FSS.1309' } });
  });

  test.each([
    ['func_name', '9lives', 'FSS.1002'],
    ['func_name', 'a'.repeat(61), 'FSS.1002'],
    ['func_name', 'ends-', 'FSS.1002'],
    ['handler', 'nodot', 'FSS.1003'],
    ['handler', `${'x'.repeat(128)}.h`, 'FSS.1003'],
    ['package', '-', 'FSS.1004'],
    ['runtime', 'Node.js22', 'FSS.1005'],
    ['code_type', 'inline', 'FSS.1006'],
    ['memory_size', 300, 'FSS.1007'],
    ['timeout', 2, 'FSS.1008'],
    ['timeout', 259_201, 'FSS.1008'],
    ['user_data', '{"1":"x"}', 'FSS.1009'],
    ['user_data', '{"RUNTIME_X":"x"}', 'FSS.1009'],
    ['user_data', 'no json', 'FSS.1009'],
    ['user_data', JSON.stringify({ A: 'x'.repeat(4096) }), 'FSS.1009'],
    ['func_code', { file: 'bm8gemlw' }, 'FSS.1011'],
    ['func_code', { file: '' }, 'FSS.1012'],
    ['func_code', undefined, 'FSS.1012'],
    ['description', 'x'.repeat(513), 'FSS.1019'],
    ['initializer_handler', 'nodot', 'FSS.1404'],
    ['initializer_timeout', 301, 'FSS.1405'],
    ['pre_stop_handler', 'nodot', 'FSS.0400'],
    ['pre_stop_timeout', 91, 'FSS.0400'],
  ])('with %s %j is refused with %s', async (field, value, code) => {
    const answer = await cloud.deploy('wrong', CODE, { [field]: value });
    expect(answer).toMatchObject({ status: 400, body: { error_code: code } });
    expect(answer.body.error_msg).toContain(field);
  });

  test('with the same key in plain and encrypted user data is refused', async () => {
    const answer = await cloud.deploy('wrong', CODE, {
      user_data: '{"A":"1"}',
      encrypted_user_data: '{"A":"2"}',
    });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.1009' } });
    expect(answer.body.error_msg).toContain('"A"');
  });

  test('with a body that is not JSON is refused with FSS.0406', async () => {
    const answer = await cloud.call('POST', 'fgs/functions', '{');
    expect(answer).toMatchObject({ status: 406, body: { error_code: 'FSS.0406' } });
  });

  test('whose zip has files outside its folder is refused', async () => {
    // The archiver refuses such a name, so a harmless one of the same length is replaced.
    const harmless = Buffer.from(await zipOf({ 'xxxescape.js': 'boom', 'index.js': CODE }), 'base64');
    const hostile = Buffer.from(
      harmless.toString('latin1').replaceAll('xxxescape.js', '../escape.js'),
      'latin1',
    );
    const answer = await cloud.deploy('hostile', CODE, { func_code: { file: hostile.toString('base64') } });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.1011' } });
    expect(answer.body.error_msg).toContain('../escape.js');
  });

  test('gets new code once, and the same code again is refused with 409 FSS.0409', async () => {
    await cloud.deploy('coded', CODE);
    const at = `fgs/functions/${urnOf('coded')}/code`;
    const body = {
      code_type: 'zip',
      func_code: { file: await zipOf({ 'index.js': CODE.replace('got', 'new') }) },
    };
    expect(await cloud.call('PUT', at, body)).toMatchObject({ status: 200 });
    expect(await cloud.call('PUT', at, body)).toMatchObject({
      status: 409,
      body: { error_code: 'FSS.0409' },
    });
    expect(await cloud.functiongraph.invoke('coded', 1)).toMatchObject({ body: '{"new":1}' });
  });

  test('has the SHA-512 of its zip as its digest', async () => {
    const file = await zipOf({ 'index.js': CODE });
    const { body } = await cloud.deploy('digested', CODE, { func_code: { file } });
    expect(body.digest).toBe(createHash('sha512').update(Buffer.from(file, 'base64')).digest('hex'));
  });

  test('gets a new configuration: omitted fields keep their values, and name and runtime cannot change', async () => {
    await cloud.deploy('configured', CODE, { user_data: '{"A":"1"}' });
    const at = `fgs/functions/${urnOf('configured')}/config`;
    const all = {
      func_name: 'configured',
      runtime: 'Node.js20.15',
      timeout: 30,
      handler: 'index.handler',
      memory_size: 512,
    };
    const updated = await cloud.call('PUT', at, {
      ...all,
      strategy_config: { concurrency: 1, concurrent_num: 1 },
    });
    expect(updated).toMatchObject({
      status: 200,
      body: { timeout: 30, memory_size: 512, user_data: '{"A":"1"}', strategy_config: { concurrency: 1 } },
    });
    expect((await cloud.call('PUT', at, { ...all, runtime: 'Node.js18.15' })).body.error_code).toBe(
      'FSS.1005',
    );
    expect((await cloud.call('PUT', at, { ...all, func_name: 'renamed' })).body.error_code).toBe('FSS.1002');
    expect((await cloud.call('PUT', at, { ...all, timeout: undefined })).body.error_code).toBe('FSS.1008');
    const shared = await cloud.call('PUT', at, { ...all, strategy_config: { concurrent_num: 2 } });
    expect(shared.body.error_code).toBe('FSS.1026');
  });
});

describe('a synchronous invocation', () => {
  beforeAll(async () => {
    await cloud.deploy(
      'sync',
      `exports.handler = async (event, context) => { if (event.fail) throw new Error('x'); return event; };`,
    );
  });
  const invoke = (event: unknown, headers = {}) =>
    cloud.call('POST', `fgs/functions/${urnOf('sync')}/invocations`, event, headers);

  test('answers with the envelope of v1: the result as a string', async () => {
    const answer = await invoke({ a: 1 }, { 'x-cff-request-version': 'v1' });
    expect(answer.body).toEqual({
      request_id: answer.headers.get('x-cff-request-id'),
      result: '{"a":1}',
      log: '',
      status: 200,
    });
    expect(answer.headers.get('x-is-func-err')).toBe('false');
    expect(Number(answer.headers.get('x-cff-billing-duration'))).toBeGreaterThan(0);
    expect(JSON.parse(answer.headers.get('x-cff-invoke-summary') ?? '')).toMatchObject({ memorySize: 256 });
  });

  test('answers with the bare text of v0', async () => {
    const answer = await invoke({ a: 1 }, { 'x-cff-request-version': 'v0' });
    expect(answer).toMatchObject({ status: 200, text: '{"a":1}' });
  });

  test('marks a failure of the function in headers', async () => {
    const answer = await invoke({ fail: true });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-is-func-err')).toBe('true');
    expect(answer.headers.get('x-func-err-code')).toBe('4002');
    expect(JSON.parse(answer.body.result)).toMatchObject({
      errorMessage: 'function invocation exception, error: x',
    });
  });

  test('accepts 6 MB and refuses more with 413', async () => {
    const event = (sizeBytes: number) => JSON.stringify('x'.repeat(sizeBytes - 2));
    const limit = 6 * 1024 * 1024;
    expect((await invoke(event(limit), { 'x-cff-request-version': 'v0' })).text).toHaveLength(limit - 2);
    expect(await invoke(event(limit + 1))).toMatchObject({ status: 413, body: { error_code: 'FSS.1201' } });
  });
});

describe('every request', () => {
  test('must be signed', async () => {
    const answer = await fetch(`http://127.0.0.1:${cloud.port}/v2/${PROJECT}/fgs/functions`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error_code: 'APIG.0301', request_id: expect.any(String) });
  });

  test('must be for the project of its key and for an operation that exists', async () => {
    const foreign = await cloud.call('GET', '../other/fgs/functions');
    expect(foreign).toMatchObject({ status: 403, body: { error_code: 'FSS.0403' } });
    const unknown = await cloud.call('POST', `fgs/functions/${urnOf('x')}/snapshots`, {});
    expect(unknown).toMatchObject({ status: 404, body: { error_code: 'FSS.0404' } });
  });

  test('is passed to the listener', async () => {
    requests.length = 0;
    const answer = await cloud.call('GET', 'fgs/nothing?x=1');
    expect(requests).toEqual([
      {
        service: 'FunctionGraph',
        caller: 'AKTEST',
        requestId: answer.headers.get('x-request-id'),
        method: 'GET',
        rawUrl: `/v2/${PROJECT}/fgs/nothing?x=1`,
        path: `/v2/${PROJECT}/fgs/nothing?x=1`,
        status: 404,
        errorCode: 'FSS.0404',
        durationMs: expect.any(Number),
      },
    ]);
  });
});
