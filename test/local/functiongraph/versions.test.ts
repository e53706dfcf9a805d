import { type Cloud, startCloud, urnOf, zipOf } from './cloud';

const CODE = 'exports.handler = async (event, c) => [1, c.getVersion(), process.env.RUNTIME_FUNC_VERSION];';
const SETTINGS = { runtime: 'Node.js20.15', timeout: 10, handler: 'index.handler', memory_size: 256 };

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.close());

let count = 0;
async function deploy(code = CODE): Promise<string> {
  count += 1;
  expect(await cloud.deploy(`f${count}`, code)).toMatchObject({ status: 200 });
  return `f${count}`;
}
const publish = (name: string, body: unknown = {}) =>
  cloud.call('POST', `fgs/functions/${urnOf(name)}/versions`, body);
const changeCode = async (name: string, code: string) => {
  const body = { code_type: 'zip', func_code: { file: await zipOf({ 'index.js': code }) } };
  expect(await cloud.call('PUT', `fgs/functions/${urnOf(name)}/code`, body)).toMatchObject({ status: 200 });
};
const invoke = async (name: string, version?: string) =>
  cloud.call('POST', `fgs/functions/${urnOf(name, version)}/invocations`, {}, { 'x-cff-log-type': 'tail' });

describe('a published version', () => {
  test('keeps code and configuration, runs under its own URN and knows its name', async () => {
    const name = await deploy();
    const published = await publish(name, { version: 'v1', description: 'first' });
    expect(published).toMatchObject({
      status: 200,
      body: { func_urn: urnOf(name, 'v1'), version: 'v1', version_description: 'first', memory_size: 256 },
    });
    await changeCode(name, CODE.replace('1', '2'));
    const bigger = { ...SETTINGS, func_name: name, memory_size: 512 };
    expect((await cloud.call('PUT', `fgs/functions/${urnOf(name)}/config`, bigger)).status).toBe(200);

    const old = await invoke(name, 'v1');
    expect(old.body.result).toBe('[1,"v1","v1"]');
    expect(old.body.log).toContain(', version: v1\n');
    expect((await invoke(name)).body.result).toBe('[2,"latest","latest"]');
    expect((await cloud.call('GET', `fgs/functions/${urnOf(name, 'v1')}/config`)).body).toEqual(
      published.body,
    );
  });

  test('is named after the time when no name is given', async () => {
    const name = await deploy();
    const before = Date.now();
    const { version } = (await publish(name)).body;
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
    const [year, month, day, hour, minute, second] = parts.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const named = Date.UTC(year, month - 1, day, hour, minute, second);
    expect(named).toBeGreaterThan(before - 1000);
    expect(named).toBeLessThanOrEqual(Date.now());
  });

  test('needs a change since the last version, else 400 FSS.1016', async () => {
    const name = await deploy();
    await publish(name, { version: 'v1' });
    expect(await publish(name, { version: 'v2' })).toMatchObject({
      status: 400,
      body: { error_code: 'FSS.1016' },
    });
    await changeCode(name, CODE.replace('1', '3'));
    expect(await publish(name, { version: 'v2' })).toMatchObject({ status: 200 });
  });

  test.each([
    [{ version: '-v' }, 400, 'FSS.1015'],
    [{ version: 'v'.repeat(43) }, 400, 'FSS.1015'],
    [{ version: 'latest' }, 409, 'FSS.1062'],
    [{ version: 'taken' }, 409, 'FSS.1062'],
    [{ digest: 'other' }, 400, 'FSS.0400'],
    [{ description: 'x'.repeat(513) }, 400, 'FSS.1019'],
  ])('with %j is refused with %i %s', async (body, status, code) => {
    const name = await deploy();
    await publish(name, { version: 'taken' });
    await changeCode(name, CODE.replace('1', '4'));
    expect(await publish(name, body)).toMatchObject({ status, body: { error_code: code } });
  });

  test('is one of 20 at most, latest included', async () => {
    const name = await deploy();
    for (let version = 1; version <= 19; version += 1) {
      expect((await publish(name, { version: `v${version}` })).status).toBe(200);
      await cloud.call('PUT', `fgs/functions/${urnOf(name)}/config-max-instance`, {
        max_instance_num: version,
      });
    }
    expect(await publish(name, { version: 'v20' })).toMatchObject({
      status: 403,
      body: { error_code: 'FSS.0403' },
    });
  });

  test('cannot change and cannot have triggers', async () => {
    const name = await deploy();
    await publish(name, { version: 'v1' });
    const urn = urnOf(name, 'v1');
    const timer = {
      trigger_type_code: 'TIMER',
      event_data: { name: 't', schedule_type: 'Rate', schedule: '1m' },
    };
    const attempts: [string, string, unknown][] = [
      ['PUT', `fgs/functions/${urn}/config`, { ...SETTINGS, func_name: name }],
      [
        'PUT',
        `fgs/functions/${urn}/code`,
        { code_type: 'zip', func_code: { file: await zipOf({ a: '1' }) } },
      ],
      ['PUT', `fgs/functions/${urn}/config-max-instance`, { max_instance_num: 1 }],
      ['POST', `fgs/triggers/${urn}`, timer],
      ['POST', `fgs/functions/${urn}/versions`, {}],
    ];
    for (const [method, path, body] of attempts) {
      const answer = await cloud.call(method, path, body);
      expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.0400' } });
      expect(answer.body.error_msg).toContain('version "v1"');
    }
  });

  test('is listed after latest, in pages', async () => {
    const name = await deploy();
    await publish(name, { version: 'v1' });
    const list = async (query: string) => {
      const { body } = await cloud.call('GET', `fgs/functions/${urnOf(name)}/versions?${query}`);
      return [body.versions.map(({ version }: { version: string }) => version), body.count, body.next_marker];
    };
    expect(await list('')).toEqual([['latest', 'v1'], 2, 2]);
    expect(await list('marker=1&maxitems=1')).toEqual([['v1'], 1, 2]);
  });

  test('is deleted alone by its URN, and with the function otherwise', async () => {
    const name = await deploy();
    await publish(name, { version: 'v1' });
    expect((await cloud.call('DELETE', `fgs/functions/${urnOf(name, 'v1')}`)).status).toBe(204);
    expect(await invoke(name, 'v1')).toMatchObject({ status: 404, body: { error_code: 'FSS.1052' } });
    expect((await invoke(name)).body.result).toBe('[1,"latest","latest"]');
    await publish(name, { version: 'v2' });
    await invoke(name, 'v2');
    expect((await cloud.call('DELETE', `fgs/functions/${urnOf(name)}`)).status).toBe(204);
    expect(await invoke(name, 'v2')).toMatchObject({ status: 404, body: { error_code: 'FSS.1051' } });
  });
});
