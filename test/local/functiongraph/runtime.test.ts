import { type Cloud, startCloud, urnOf } from './cloud';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

let count = 0;
/** Deploys a function with this code and runs it once. */
async function run(
  code: string | Record<string, string>,
  event: unknown = {},
  settings: Record<string, unknown> = {},
) {
  count += 1;
  const name = `f${count}`;
  expect(await cloud.deploy(name, code, settings)).toMatchObject({ status: 200 });
  return cloud.functiongraph.invoke(name, event);
}

/** The error envelope of a failed run. */
async function errorOf(code: string | Record<string, string>, settings?: Record<string, unknown>) {
  const { isError, errorCode, body } = await run(code, {}, settings);
  expect(isError).toBe(true);
  return { errorCode, ...JSON.parse(body) };
}

describe('the result', () => {
  test.each([
    ['an object as JSON', 'async (event, context) => ({ a: [1, null], b: undefined })', '{"a":[1,null]}'],
    ['a string raw, without quotes', 'async (event, context) => "text"', 'text'],
    ['a number as text', 'async (event, context) => 4.5', '4.5'],
    ['a boolean as text', 'async (event, context) => false', 'false'],
    ['null as null', 'async (event, context) => null', 'null'],
    ['undefined as nothing', 'async (event, context) => {}', ''],
    [
      'a Buffer in its JSON form',
      'async (event, context) => Buffer.from("hi")',
      '{"type":"Buffer","data":[104,105]}',
    ],
    [
      'the value given to the callback',
      '(event, context, callback) => { callback(null, [event.a]); }',
      '[7]',
    ],
    [
      'the callback of an async handler',
      'async (event, context, callback) => { callback(null, "early"); await new Promise(setImmediate); return "late"; }',
      'early',
    ],
    ['nothing when the callback gets no value', '(event, context, callback) => { callback(null); }', ''],
    [
      'success for any falsy error that is not undefined',
      '(event, context, callback) => { callback(0, "fine"); }',
      'fine',
    ],
    [
      'the first of two callbacks',
      '(event, context, callback) => { callback(null, 1); callback(null, 2); }',
      '1',
    ],
    [
      'the first callback although the handler throws afterwards',
      '(event, context, callback) => { callback(null, 1); throw new Error("late"); }',
      '1',
    ],
    [
      'the promise of a handler that is not async',
      '(event, context) => Promise.resolve("promised")',
      'promised',
    ],
    [
      'the later callback, not the returned value',
      '(event, context, callback) => { setImmediate(() => callback(null, "called")); return "returned"; }',
      'called',
    ],
  ])('%s', async (_what, handler, body) => {
    expect(await run(`exports.handler = ${handler};`, { a: 7 })).toMatchObject({ isError: false, body });
  });

  test('the handler may be in a folder of the zip and load files beside it', async () => {
    const files = {
      'src/deep/main.js': `const { two } = require('./other'); exports.go = async (event, context) => two + require('leaf').one;`,
      'src/deep/other.js': 'exports.two = 2;',
      'node_modules/leaf/index.js': 'exports.one = 1;',
    };
    expect(await run(files, {}, { handler: 'src/deep/main.go' })).toMatchObject({ body: '3' });
  });

  test('a result of exactly 6 MiB passes, and one byte more fails with 4004', async () => {
    const code = 'exports.handler = async (event, context) => "x".repeat(event.size);';
    const limit = 6_291_456;
    const fits = await run(code, { size: limit });
    expect(fits).toMatchObject({ isError: false });
    expect(fits.body).toHaveLength(limit);
    expect(await run(code, { size: limit + 1 })).toMatchObject({
      isError: true,
      errorCode: 4004,
      body: `response body size ${limit + 1} exceeds the limit of ${limit}`,
    });
  });

  test.each([
    ['a cycle', 'const a = {}; a.a = a; return a;', 'circular'],
    ['a BigInt', 'return { n: 1n };', 'BigInt'],
  ])('%s cannot be serialised: 4007', async (_what, body, word) => {
    const result = await run(`exports.handler = async (event, context) => { ${body} };`);
    expect(result).toMatchObject({ isError: true, errorCode: 4007 });
    expect(result.body).toMatch(/^function result is invalid, error: /);
    expect(result.body).toContain(word);
  });
});

describe('loading', () => {
  test.each([
    ['one parameter', '(event) => 1', 1],
    ['rest parameters', '(...args) => 1', 0],
    ['a default value for context', '(event, context = {}) => 1', 1],
    ['four parameters', '(a, b, c, d) => 1', 4],
  ])('a handler with %s is refused', async (_what, handler, length) => {
    const error = await errorOf(`exports.handler = ${handler};`);
    expect(error).toEqual({
      errorCode: 4001,
      errorMessage: `function entry exception, error: handler expect to have 2 or 3 parameters, but received ${length}`,
      errorType: 'FunctionLoadError',
    });
  });

  test('a handler that is not exported is named with its module', async () => {
    expect(await errorOf('exports.other = async (event, context) => 1;')).toEqual({
      errorCode: 4001,
      errorMessage: "function entry exception, error: handler 'handler' not found in module './index.js'",
      errorType: 'FunctionConfigError',
    });
  });

  test('a file that is missing is named relative to the code root', async () => {
    const error = await errorOf({ 'folder/index.js': '' });
    expect(error).toMatchObject({
      errorCode: 4001,
      errorMessage: "function entry exception, error: not found module './index.js'",
    });
    expect(error).not.toHaveProperty('stackTrace');
  });

  test('a missing dependency is named', async () => {
    const error = await errorOf(`require('absent'); exports.handler = async (event, context) => 1;`);
    expect(error.errorMessage).toMatch(/^function entry exception, error: Cannot find module 'absent'/);
  });

  test('with an initializer a missing dependency looks like a missing file', async () => {
    const code = `require('absent'); exports.init = (context, callback) => callback(null, ''); exports.handler = async (event, context) => 1;`;
    const error = await errorOf(code, { initializer_handler: 'index.init', initializer_timeout: 3 });
    expect(error).toMatchObject({
      errorCode: 4001,
      errorMessage: "function entry exception, error: not found module './index.js'",
    });
  });

  test('a syntax error carries file and line', async () => {
    const error = await errorOf('\n\nexports.handler = async (event, context) => {{;');
    expect(error).toMatchObject({ errorCode: 4001, errorType: 'SyntaxError' });
    expect(error.errorMessage).toMatch(/ \(\.\/index\.js:3\)$/);
  });

  test('an error that the module throws is reported without a stack', async () => {
    expect(await errorOf(`throw new TypeError('at load');`)).toEqual({
      errorCode: 4001,
      errorMessage: 'function entry exception, error: at load',
      errorType: 'TypeError',
    });
  });

  test('an ES module is refused', async () => {
    const handler = 'export const handler = async (event, context) => 1;';
    const byPackage = await errorOf({ 'package.json': '{"type":"module"}', 'index.js': handler });
    expect(byPackage).toMatchObject({ errorCode: 4001 });
    expect(byPackage.errorMessage).toContain('require() of ES Module');
    const bySyntax = await errorOf(handler);
    expect(bySyntax).toMatchObject({ errorCode: 4001, errorType: 'SyntaxError' });
  });

  test('code sees neither the packages of this project nor process.send', async () => {
    const code = `exports.handler = async (event, context) => { try { require('zod'); return 'found'; } catch { return typeof process.send; } };`;
    expect(await run(code)).toMatchObject({ body: 'undefined' });
  });

  test('the pretty envelope is indented by four spaces', async () => {
    const { body } = await run('exports.handler = (event) => 1;');
    expect(body.split('\n')[1]).toMatch(/^ {4}"errorMessage"/);
  });
});

describe('errors of user code', () => {
  test('a rejected promise gives 4002 with the frames of the user, the code root as a dot', async () => {
    const code = `class Odd extends Error { name = 'Odd' }\nconst deep = () => { throw new Odd('no'); };\nexports.handler = async (event, context) => deep();`;
    const error = await errorOf(code);
    expect(error).toMatchObject({
      errorCode: 4002,
      errorMessage: 'function invocation exception, error: no',
      errorType: 'Odd',
    });
    expect(error.stackTrace).toEqual([
      expect.stringMatching(/^at deep \(\.\/index\.js:2:\d+\)$/),
      expect.stringMatching(/^at .*\(?\.\/index\.js:3:\d+\)?$/),
    ]);
  });

  test('a handler that throws synchronously gives the same', async () => {
    const error = await errorOf(
      `exports.handler = (event, context, callback) => { throw new RangeError('x'); };`,
    );
    expect(error).toMatchObject({ errorCode: 4002, errorType: 'RangeError' });
    expect(error.stackTrace[0]).toContain('./index.js:1');
  });

  test('a thrown value that is not an Error gives 4002', async () => {
    expect(await errorOf(`exports.handler = async (event, context) => { throw 'text'; };`)).toEqual({
      errorCode: 4002,
      errorMessage: 'function invocation exception, error: text',
      errorType: 'UserFunctionError',
      stackTrace: [],
    });
  });

  test('callback(new Error) gives 4001 without a stack', async () => {
    const code = `exports.handler = (event, context, callback) => callback(new TypeError('x'));`;
    expect(await errorOf(code)).toEqual({
      errorCode: 4001,
      errorMessage: 'function entry exception, error: x',
      errorType: 'TypeError',
    });
  });

  test.each([
    ["callback('text')", 'text'],
    ['callback({ a: 1 })', '{"a":1,"message":"function entry exception, error: undefined"}'],
    ['callback()', '{"message":"function entry exception, error: undefined"}'],
    ["callback(undefined, 'x')", '{"message":"function entry exception, error: undefined"}'],
  ])('%s is a failure', async (call, body) => {
    const result = await run(`exports.handler = (event, context, callback) => { ${call}; };`);
    expect(result).toMatchObject({ isError: true, errorCode: 4001, body });
  });

  test('the error is in the log at level ERROR', async () => {
    const { log } = await run(`exports.handler = async (event, context) => { throw new Error('seen'); };`);
    expect(log).toMatch(/ ERROR [\s\S]*seen/);
  });

  test("a request body that is not JSON gives 4002 and the parser's own words", async () => {
    await cloud.deploy('parser', 'exports.handler = async (event, context) => 1;');
    const answer = await cloud.call('POST', `fgs/functions/${urnOf('parser')}/invocations`, 'not json');
    expect(answer.headers.get('x-func-err-code')).toBe('4002');
    expect(answer.body.result).toMatch(/not valid JSON|Unexpected token/);
  });
});

describe('the initializer', () => {
  const counting = `
    let inits = 0; let id;
    exports.init = (context, callback) => { inits += 1; id = context.getRequestID(); setImmediate(() => callback(null, 'ignored')); };
    exports.handler = async (event, context) => ({ inits, id });`;

  test('runs once per instance, before the first request and without a request id', async () => {
    const first = await run(counting, {}, { initializer_handler: 'elsewhere.init', initializer_timeout: 3 });
    expect(first).toMatchObject({ body: '{"inits":1,"id":""}', cold: true });
    const second = await cloud.functiongraph.invoke(`f${count}`, {});
    expect(second).toMatchObject({ body: '{"inits":1,"id":""}', cold: false });
  });

  test('may be an async function, also with two parameters', async () => {
    const code = `let ready; exports.init = async (context, callback) => { ready = true; }; exports.handler = async (event, context) => ready;`;
    const settings = { initializer_handler: 'index.init', initializer_timeout: 3 };
    expect(await run(code, {}, settings)).toMatchObject({ body: 'true' });
    const error = await errorOf(code.replace('(context, callback)', '(context)'), settings);
    expect(error.errorMessage).toBe(
      'function entry exception, error: initializer expect to have 2 parameters, but received 1',
    );
  });

  test('that fails is tried three times in new instances, then the request fails with 4009', async () => {
    const code = `
      exports.init = (context, callback) => { console.log('try ' + process.pid); callback(); };
      exports.handler = async (event, context) => 1;`;
    const result = await run(code, {}, { initializer_handler: 'index.init', initializer_timeout: 3 });
    expect(result).toMatchObject({ isError: true, errorCode: 4009 });
    expect(JSON.parse(result.body).errorMessage).toMatch(/^function initialization exception, error: /);
    const pids = [...result.log.matchAll(/try (\d+)/g)].map(([, pid]) => pid);
    expect(new Set(pids).size).toBe(3);
  });

  test('that succeeds at its second try lets the request through', async () => {
    const code = `
      const fs = require('fs'); const mark = process.env.RUNTIME_CODE_ROOT + '/tried';
      exports.init = async (context, callback) => { if (!fs.existsSync(mark)) { fs.writeFileSync(mark, ''); throw new Error('first'); } };
      exports.handler = async (event, context) => 'through';`;
    const result = await run(code, {}, { initializer_handler: 'index.init', initializer_timeout: 3 });
    expect(result).toMatchObject({ isError: false, body: 'through' });
  });
});
