import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { FunctionGraphError } from '../../../local/functiongraph/functiongraph';
import { InstanceProcess } from '../../../local/functiongraph/instance-process';
import type { InstanceConfiguration } from '../../../local/functiongraph/instance-protocol';
import { until } from '../../wait';
import { type Cloud, PROJECT, startCloud, urnOf } from './cloud';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

let count = 0;
async function deploy(code: string, settings: Record<string, unknown> = {}, where = cloud): Promise<string> {
  count += 1;
  const name = `f${count}`;
  expect(await where.deploy(name, code, settings)).toMatchObject({ status: 200 });
  return name;
}

async function run(code: string, event: unknown = {}, settings: Record<string, unknown> = {}) {
  return cloud.functiongraph.invoke(await deploy(code, settings), event);
}

/** True while a process with this id exists. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a process that starts slowly does not time out before its code runs', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'slow-start-'));
  const slow = path.join(directory, 'slow.cjs');
  await writeFile(slow, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);');
  const instance = new InstanceProcess({ NODE_OPTIONS: `--require ${slow}` }, directory, directory, 128);
  const none = { accessKey: '', secretKey: '', securityToken: '', token: '' };
  const configuration = { initializerHandler: undefined } as InstanceConfiguration;
  const { answer } = await instance.initialise(configuration, none, 500);
  expect(answer).toEqual({ isError: false, body: '' });
  await instance.kill();
});

test('the process of a function gives way to the services of the cloud', async () => {
  const code = "exports.handler = async (event, context) => require('os').getPriority();";
  const { body } = await run(code);
  expect(Number(body)).toBeGreaterThanOrEqual(constants.priority.PRIORITY_BELOW_NORMAL);
});

const PID = 'exports.handler = async (event, context) => process.pid;';
/** Answers when the file that the event names appears. */
const GATED = `
  const fs = require('fs');
  exports.handler = (event, context, callback) => {
    const wait = () => (fs.existsSync(event.gate + '/open') ? callback(null, process.pid) : setTimeout(wait, 5));
    fs.writeFileSync(event.gate + '/' + process.pid, '');
    wait();
  };`;

describe('the environment of an instance', () => {
  test('has the documented RUNTIME_ variables and almost nothing else', async () => {
    process.env.SECRET_OF_THE_HOST = 'x';
    const { body } = await run(
      'exports.handler = async (event, context) => process.env;',
      {},
      { user_data: '{"PLAIN":"1"}', encrypted_user_data: '{"HIDDEN":"2"}', memory_size: 128 },
    );
    const environment = JSON.parse(body);
    expect(
      Object.keys(environment)
        .filter((name) => !name.startsWith('RUNTIME_'))
        .sort(),
    ).toEqual(['PATH', 'TMPDIR']);
    // The documented list, and RUNTIME_PACKAGE, which the vendor's own runtime reads.
    expect(
      Object.keys(environment)
        .filter((name) => name.startsWith('RUNTIME_'))
        .sort(),
    ).toEqual([
      'RUNTIME_CODE_ROOT',
      'RUNTIME_CPU',
      'RUNTIME_FUNC_NAME',
      'RUNTIME_FUNC_VERSION',
      'RUNTIME_HANDLER',
      'RUNTIME_INITIALIZER_HANDLER',
      'RUNTIME_INITIALIZER_TIMEOUT',
      'RUNTIME_LOG_DIR',
      'RUNTIME_MAX_RESP_BODY_SIZE',
      'RUNTIME_MEMORY',
      'RUNTIME_PACKAGE',
      'RUNTIME_PROJECT_ID',
      'RUNTIME_ROOT',
      'RUNTIME_TIMEOUT',
      'RUNTIME_USERDATA',
    ]);
    expect(environment).toMatchObject({
      RUNTIME_PROJECT_ID: PROJECT,
      RUNTIME_FUNC_NAME: `f${count}`,
      RUNTIME_FUNC_VERSION: 'latest',
      RUNTIME_HANDLER: 'index.handler',
      RUNTIME_TIMEOUT: '10',
      RUNTIME_MEMORY: '128',
      RUNTIME_CPU: '300',
      RUNTIME_MAX_RESP_BODY_SIZE: '6291456',
      RUNTIME_USERDATA: '{"PLAIN":"1","HIDDEN":"2"}',
      RUNTIME_CODE_ROOT: expect.stringMatching(/\/opt\/function\/code$/),
    });
  });

  test('has plain user data only when that behaviour is switched on', async () => {
    const loose = await startCloud({ behaviour: { userDataInEnvironment: true } });
    const name = await deploy(
      'exports.handler = async (event, context) => [process.env.PLAIN, process.env.HIDDEN];',
      { user_data: '{"PLAIN":"1"}', encrypted_user_data: '{"HIDDEN":"2"}' },
      loose,
    );
    expect(await loose.functiongraph.invoke(name, {})).toMatchObject({ body: '["1",null]' });
    await loose.close();
  });

  test('leaves half of the memory to the heap of V8', async () => {
    const code = `exports.handler = async (event, context) => require('v8').getHeapStatistics().heap_size_limit;`;
    expect(await run(code, {}, { memory_size: 512 })).toMatchObject({ body: String(256 * 1024 * 1024) });
  });

  test('its folder for temporary files outlives the request, but not the instance', async () => {
    const impatient = await startCloud({ behaviour: { idleReclaimMs: 200 } });
    const name = await deploy(
      `const fs = require('fs'), file = require('os').tmpdir() + '/kept';
       exports.handler = async (event, context) => { const found = fs.existsSync(file); fs.writeFileSync(file, 'x'); return { found, file }; };`,
      {},
      impatient,
    );
    const [first, second] = [
      await impatient.functiongraph.invoke(name, {}),
      await impatient.functiongraph.invoke(name, {}),
    ].map(({ body }) => JSON.parse(body));
    expect([first.found, second.found]).toEqual([false, true]);
    await until(() => !existsSync(path.dirname(first.file)), { what: 'the folder is gone' });
    const third = JSON.parse((await impatient.functiongraph.invoke(name, {})).body);
    expect(third.found).toBe(false);
    expect(third.file).not.toBe(first.file);
    await impatient.close();
  });

  test('a pre-stop handler is accepted and shown, but not called', async () => {
    const impatient = await startCloud({ behaviour: { idleReclaimMs: 50 } });
    const settings = { pre_stop_handler: 'index.stop', pre_stop_timeout: 5 };
    const name = await deploy(
      `exports.handler = async (event, context) => { exports.file = event.file; return process.pid; };
       exports.stop = () => require('fs').writeFileSync(exports.file, '');`,
      settings,
      impatient,
    );
    const shown = await impatient.call('GET', `fgs/functions/${urnOf(name)}/config`);
    expect(shown.body).toMatchObject(settings);
    const file = path.join(tmpdir(), `stopped-${process.pid}`);
    const pid = Number((await impatient.functiongraph.invoke(name, { file })).body);
    await until(() => !exists(pid), { what: 'the instance is gone' });
    expect(existsSync(file)).toBe(false);
    await impatient.close();
  });

  test('the current directory is the parent of the code folder', async () => {
    const { body } = await run(
      `exports.handler = async (event, context) => [require('fs').existsSync('code/index.js'), process.cwd(), __filename];`,
    );
    const [found, directory, file] = JSON.parse(body);
    expect(found).toBe(true);
    expect(directory).toMatch(/\/opt\/function$/);
    expect(file).toBe(`${directory}/code/index.js`);
  });
});

describe('context', () => {
  const CONTEXT = `exports.handler = async (event, c) => ({
    id: c.getRequestID(), left: c.getRemainingTimeInMilliSeconds(), running: c.getRunningTimeInSeconds(),
    memory: c.getMemorySize(), cpu: c.getCPUNumber(), name: c.getFunctionName(), package: c.getPackage(),
    version: c.getVersion(), project: c.getProjectID(), alias: c.getAlias(),
    data: [c.getUserData('A'), c.getUserData('B'), String(c.getUserData('toString'))],
    keys: [c.getSecurityAccessKey(), c.getSecuritySecretKey(), c.getSecurityToken(), c.getToken(), c.getAccessKey(), c.getSecretKey()],
    missing: [typeof c.getTraceID, typeof c.getInvokeID, typeof c.getRegion],
  });`;

  test('has the getters and the types of the platform', async () => {
    const result = await run(
      CONTEXT,
      {},
      { user_data: '{"A":"a"}', encrypted_user_data: '{"B":"b"}', timeout: 5, memory_size: 256 },
    );
    const { left, ...rest } = JSON.parse(result.body);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(5000);
    expect(rest).toEqual({
      id: result.requestId,
      running: 5000,
      memory: '256',
      cpu: '400',
      name: `f${count}`,
      package: 'default',
      version: 'latest',
      project: PROJECT,
      alias: '',
      data: ['a', 'b', 'undefined'],
      keys: ['', '', '', '', '', ''],
      missing: ['undefined', 'undefined', 'undefined'],
    });
  });

  test('has the temporary key of the execution agency, which is read again at every invocation', async () => {
    const time = { now: Date.now() };
    const moving = await startCloud({ clock: () => time.now });
    const name = await deploy(CONTEXT, { xrole: 'configuration', app_xrole: 'execution' }, moving);
    const keysOf = async () => JSON.parse((await moving.functiongraph.invoke(name, {})).body).keys;
    const first = await keysOf();
    const issued = moving.credentials.find(first[0]);
    expect(issued).toMatchObject({ agency: 'execution', secretKey: first[1], securityToken: first[2] });
    expect(moving.credentials.findToken(first[3])).toMatchObject({ projectId: PROJECT });
    expect(await keysOf()).toEqual(first);
    time.now += 11 * 60 * 1000;
    expect((await keysOf())[0]).not.toBe(first[0]);
    await moving.close();
  });

  test('falls back to the configuration agency', async () => {
    const { body } = await run(CONTEXT, {}, { xrole: 'configuration' });
    expect(cloud.credentials.find(JSON.parse(body).keys[0])).toMatchObject({ agency: 'configuration' });
  });
});

describe('the log', () => {
  test('collects stdout as INFO, stderr as ERROR and the logger by its level', async () => {
    const { log, requestId } = await run(`exports.handler = async (event, context) => {
      console.log('out %d', 1); console.error('err'); process.stdout.write('raw');
      const logger = context.getLogger();
      logger.debug('silent'); logger.info('i', { a: 1 }); logger.warn('w');
      logger.setLevel('ERROR'); logger.warn('silent'); logger.error('e');
      logger.setLevel('DEBUG'); logger.debug('d');
      return process.stdout.write('x') === undefined;
    };`);
    const lines = log.split('\n').map((line) => line.replace(/^\S+Z /, '').replaceAll(requestId, 'ID'));
    expect(lines[0]).toBe("Start invoke request 'ID', version: latest");
    expect(lines.slice(1, 9)).toEqual([
      'ID INFO out 1',
      'ID ERROR err',
      'ID INFO raw',
      'ID INFO i { a: 1 }',
      'ID WARN w',
      'ID ERROR e',
      'ID DEBUG d',
      'ID INFO x',
    ]);
    expect(lines[9]).toMatch(
      /^Finish invoke request 'ID', duration: [\d.]+ms, billing duration: \d+ms, memory used: [\d.]+MB, billing memory: 256MB$/,
    );
  });

  test('belongs to its own request', async () => {
    const name = await deploy('exports.handler = async (event, context) => { console.log(event.say); };');
    const first = await cloud.functiongraph.invoke(name, { say: 'one' });
    const second = await cloud.functiongraph.invoke(name, { say: 'two' });
    expect([first.cold, second.cold]).toEqual([true, false]);
    expect(first.log).toContain('INFO one');
    expect(second.log).toContain('INFO two');
    expect(second.log).not.toContain('INFO one');
  });

  test('assigns a late line to the request that runs at that time', async () => {
    const name = await deploy(
      `let late; exports.handler = async (event, context) => {
         if (late) late();
         const printed = new Promise((resolve) => { late = () => { console.log('late'); resolve(); }; });
         if (event.wait) await printed;
       };`,
    );
    const first = await cloud.functiongraph.invoke(name, {});
    const second = await cloud.functiongraph.invoke(name, {});
    expect(first.log).not.toContain('INFO late');
    expect(second.log).toContain(`${second.requestId} INFO late`);
  });

  test('the management API returns its last 2 KB', async () => {
    const name = await deploy(
      `exports.handler = async (event, context) => { console.log('é'.repeat(5000) + 'end'); };`,
    );
    const answer = await cloud.call(
      'POST',
      `fgs/functions/${urnOf(name)}/invocations`,
      {},
      { 'x-cff-log-type': 'tail' },
    );
    const size = Buffer.byteLength(answer.body.log);
    expect(size).toBeLessThanOrEqual(2048);
    expect(size).toBeGreaterThan(2044);
    expect(answer.body.log).toMatch(/éend\n[^\n]*Finish invoke request/);
    expect(Buffer.from(answer.headers.get('x-cff-function-log') ?? '', 'base64').toString()).toBe(
      answer.body.log,
    );
  });
});

describe('the end of an instance', () => {
  test('a returned value without promise or callback is ignored until the time-out, which kills the process', async () => {
    const name = await deploy(
      `let calls = 0; exports.handler = (event, context) => { calls += 1; if (event.ask) return Promise.resolve([calls, process.pid]); console.log('pid', process.pid); return 'ignored'; };`,
      { timeout: 3 },
    );
    const warm = JSON.parse((await cloud.functiongraph.invoke(name, { ask: true })).body);
    const hung = await cloud.functiongraph.invoke(name, {});
    expect(hung).toMatchObject({
      isError: true,
      errorCode: 4010,
      cold: false,
      body: 'call invoke timeout 3s',
    });
    expect(hung.log).toContain(`pid ${warm[1]}`);
    expect(exists(warm[1])).toBe(false);
    const next = await cloud.functiongraph.invoke(name, { ask: true });
    expect(next.cold).toBe(true);
    expect(JSON.parse(next.body)[0]).toBe(1);
  });

  test('a thenable that is not a native promise, and a busy loop, also end with the time-out', async () => {
    const [thenable, busy] = await Promise.all([
      run(`exports.handler = (event, context) => ({ then: (resolve) => resolve('x') });`, {}, { timeout: 3 }),
      run('exports.handler = async (event, context) => { for (;;); };', {}, { timeout: 3 }),
    ]);
    expect(thenable).toMatchObject({ isError: true, errorCode: 4010 });
    expect(busy).toMatchObject({ isError: true, errorCode: 4010 });
  });

  test('an initializer that hangs gives 4011', async () => {
    const code = 'exports.init = (context, callback) => {}; exports.handler = async (event, context) => 1;';
    const settings = { initializer_handler: 'index.init', initializer_timeout: 1 };
    expect(await run(code, {}, settings)).toMatchObject({
      errorCode: 4011,
      body: 'call initializer timeout 1s',
    });
  });

  test.each([
    ['process.exit', `console.log('last words'); process.exit(3);`, 'exit code 3'],
    [
      'an error that nobody catches',
      `setImmediate(() => { throw new Error('loose'); }); await new Promise(() => {});`,
      'loose',
    ],
    [
      'a rejection that nobody handles',
      `Promise.reject(new Error('adrift')); await new Promise(() => {});`,
      'adrift',
    ],
    ['a signal', `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`, 'signal SIGKILL'],
  ])('%s fails this request and no other', async (_what, body, words) => {
    const name = await deploy(
      `exports.handler = async (event, context) => { if (event.die) { ${body} } return 'alive'; };`,
    );
    const died = await cloud.functiongraph.invoke(name, { die: true });
    expect(died).toMatchObject({ isError: true, errorCode: 4002 });
    expect(died.body).toContain(words);
    expect(died.log).toContain(words);
    if (body.includes('last words')) expect(died.log).toContain('last words');
    expect(await cloud.functiongraph.invoke(name, {})).toMatchObject({ body: 'alive', cold: true });
  });

  test.each([
    ['objects', 'const kept = []; for (;;) kept.push(new Array(1000).fill(kept.length));'],
    [
      'buffers',
      'const kept = []; for (;;) { kept.push(Buffer.alloc(4 << 20, 1)); await new Promise(setImmediate); }',
    ],
  ])('too much memory in %s ends the process and says so', async (_what, body) => {
    const result = await run(
      `exports.handler = async (event, context) => { ${body} };`,
      {},
      { memory_size: 128 },
    );
    expect(result).toMatchObject({ isError: true, errorCode: 4002 });
    expect(result.body).toContain('memory limit exceeded: the function used more than its 128 MB');
  });

  test('an idle instance is reclaimed', async () => {
    const impatient = await startCloud({ behaviour: { idleReclaimMs: 50 } });
    const name = await deploy(PID, {}, impatient);
    const pid = Number((await impatient.functiongraph.invoke(name, {})).body);
    await until(() => !exists(pid), { what: 'the process is gone' });
    expect(await impatient.functiongraph.invoke(name, {})).toMatchObject({ cold: true });
    await impatient.close();
  });

  test('new code and new configuration start new instances', async () => {
    const name = await deploy(
      'exports.handler = async (event, context) => context.getUserData("V") ?? "none";',
    );
    expect(await cloud.functiongraph.invoke(name, {})).toMatchObject({ body: 'none', cold: true });
    expect(await cloud.functiongraph.invoke(name, {})).toMatchObject({ cold: false });
    const all = {
      func_name: name,
      runtime: 'Node.js20.15',
      timeout: 10,
      handler: 'index.handler',
      memory_size: 256,
    };
    const updated = await cloud.call('PUT', `fgs/functions/${urnOf(name)}/config`, {
      ...all,
      user_data: '{"V":"2"}',
    });
    expect(updated.status).toBe(200);
    expect(await cloud.functiongraph.invoke(name, {})).toMatchObject({ body: '2', cold: true });
  });

  test('close() ends busy instances as well', async () => {
    const closing = await startCloud();
    const name = await deploy(
      `exports.handler = (event, context, callback) => { require('fs').writeFileSync(event.file, String(process.pid)); };`,
      {},
      closing,
    );
    const file = `${process.env.TMPDIR ?? '/tmp'}/pid-${process.pid}-${Date.now()}`;
    const running = closing.functiongraph.invoke(name, { file });
    const { readFileSync, rmSync } = await import('node:fs');
    await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', {
      what: 'the function has started',
    });
    const pid = Number(readFileSync(file, 'utf8'));
    expect(exists(pid)).toBe(true);
    await closing.close();
    expect(exists(pid)).toBe(false);
    expect(await running).toMatchObject({ isError: true });
    rmSync(file);
  });
});

describe('concurrency', () => {
  /** A folder where each instance writes its process id, and waits for the file `open`. */
  function gate() {
    const folder = mkdtempSync(path.join(tmpdir(), 'gate-'));
    return {
      gate: folder,
      waiting: () => readdirSync(folder).length,
      open: () => writeFileSync(path.join(folder, 'open'), ''),
      remove: () => rmSync(folder, { recursive: true }),
    };
  }

  test('each request in flight has its own instance, and instances are reused afterwards', async () => {
    const name = await deploy(GATED);
    const { gate: file, waiting, open, remove } = gate();
    const running = [1, 2, 3].map(() => cloud.functiongraph.invoke(name, { gate: file }));
    await until(() => waiting() === 3, { what: 'three instances at work' });
    open();
    const results = await Promise.all(running);
    expect(new Set(results.map(({ body }) => body)).size).toBe(3);
    expect(results.every(({ cold }) => cold)).toBe(true);
    expect(await cloud.functiongraph.invoke(name, { gate: file })).toMatchObject({ cold: false });
    remove();
  });

  test('beyond strategy_config.concurrency a synchronous call is throttled with FSS.0429', async () => {
    const name = await deploy(GATED);
    const all = {
      func_name: name,
      runtime: 'Node.js20.15',
      timeout: 10,
      handler: 'index.handler',
      memory_size: 256,
    };
    const path = `fgs/functions/${urnOf(name)}`;
    await cloud.call('PUT', `${path}/config`, {
      ...all,
      strategy_config: { concurrency: 1, concurrent_num: 1 },
    });
    const { gate: file, open, remove } = gate();
    const first = cloud.functiongraph.invoke(name, { gate: file });
    await expect(cloud.functiongraph.invoke(name, {})).rejects.toMatchObject({
      errorCode: 'FSS.0429',
      status: 429,
    });
    const throttled = await cloud.call('POST', `${path}/invocations`, {});
    expect(throttled).toMatchObject({
      status: 429,
      body: {
        error_code: 'FSS.0429',
        error_msg: 'Your request has been controlled by overload sdk, please retry later',
      },
    });
    open();
    expect(await first).toMatchObject({ isError: false });
    expect(await cloud.functiongraph.invoke(name, { gate: file })).toMatchObject({ cold: false });
    remove();
  });

  test('concurrency 0 disables a function, and the account has a limit over all functions', async () => {
    const small = await startCloud({ behaviour: { accountConcurrency: 1 } });
    const one = await deploy(GATED, {}, small);
    const other = await deploy(PID, {}, small);
    const { gate: file, open, remove } = gate();
    const first = small.functiongraph.invoke(one, { gate: file });
    await expect(small.functiongraph.invoke(other, {})).rejects.toBeInstanceOf(FunctionGraphError);
    open();
    await first;
    expect(await small.functiongraph.invoke(other, {})).toMatchObject({ isError: false });
    const all = {
      func_name: other,
      runtime: 'Node.js20.15',
      timeout: 10,
      handler: 'index.handler',
      memory_size: 256,
    };
    await small.call('PUT', `fgs/functions/${urnOf(other)}/config`, {
      ...all,
      strategy_config: { concurrency: 0, concurrent_num: 1 },
    });
    await expect(small.functiongraph.invoke(other, {})).rejects.toMatchObject({ errorCode: 'FSS.0429' });
    remove();
    await small.close();
  });
});
