import http from 'node:http';
import { closeServer } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { until } from '../../wait';
import { closeFixtures, KEY, MpcFixture, PROJECT, request, syncRequest } from './mpc-fixture';

afterEach(closeFixtures);

const GATEWAY_REFUSAL = { server: 'api-gateway', type: 'application/json;charset=UTF-8' };

function seen({ headers }: { headers: Headers }) {
  return { server: headers.get('server'), type: headers.get('content-type') };
}

describe('signature and project', () => {
  test('a wrong secret key is refused with the canonical request', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.call('GET', { key: { ...KEY, secretKey: 'another' } });
    expect(answer.status).toBe(401);
    expect(seen(answer)).toEqual(GATEWAY_REFUSAL);
    expect(answer.body).toEqual({
      error_code: 'APIGW.0301',
      error_msg: expect.stringContaining(
        `Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v1/${PROJECT}/thumbnails/|`,
      ),
      request_id: answer.headers.get('x-request-id'),
    });
  });

  test('an unknown access key, no signature and an old signature are refused', async () => {
    const fixture = await MpcFixture.open();
    const unknown = await fixture.call('GET', { key: { ...KEY, accessKey: 'NOBODY' } });
    expect(unknown.body.error_msg).toBe('Incorrect IAM authentication information: ak NOBODY not exist');
    const bare = await fetch(`${fixture.endpoint}/v1/${PROJECT}/thumbnails`);
    expect(bare.status).toBe(401);
    const realNow = fixture.nowMs;
    const late = await MpcFixture.open({ clock: () => realNow + 16 * 60_000 });
    expect((await late.call('GET')).body.error_msg).toMatch(/signature expired/);
  });

  test('a body changed on the way is refused', async () => {
    const fixture = await MpcFixture.open();
    const url = new URL(`/v1/${PROJECT}/thumbnails`, fixture.endpoint);
    let headers: Record<string, string> = {};
    // A proxy of our own records what the signed request looks like.
    const recorder = http.createServer((incoming, response) => {
      headers = incoming.headers as Record<string, string>;
      response.end('{}');
    });
    await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
    const endpoint = fixture.endpoint;
    fixture.endpoint = `http://127.0.0.1:${(recorder.address() as { port: number }).port}`;
    await fixture.create(request());
    const { authorization, 'x-sdk-date': date } = headers;
    await closeServer(recorder);
    fixture.endpoint = endpoint;
    const changed = await fetch(url, {
      method: 'POST',
      headers: { authorization: authorization!, 'x-sdk-date': date!, 'content-type': 'application/json' },
      body: JSON.stringify(request({ user_data: 'changed' })),
    });
    expect(changed.status).toBe(401);
    expect(fixture.mpc.tasks.list()).toEqual([]);
  });

  test('temporary keys work with their token only', async () => {
    const credentials = new Credentials(KEY, () => Date.UTC(2026, 10, 23, 12));
    const key = credentials.temporaryKeyOf('agency');
    const fixture = await MpcFixture.open({ credentials });
    expect((await fixture.call('GET', { key })).status).toBe(401);
    expect((await fixture.call('GET', { key, securityToken: key.securityToken! })).status).toBe(200);
  });

  test('the project of the path must be the project of the key', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.call('GET', { path: '/v1/another/thumbnails' });
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({
      error_code: 'MPC.10208',
      error_msg: 'Tenant ID verification failed, please check.',
    });
  });

  test.each(['X-Project-Id', 'X-Project_Id'])('%s is accepted', async (header) => {
    const fixture = await MpcFixture.open();
    expect((await fixture.call('GET', { headers: { [header]: PROJECT } })).status).toBe(200);
  });
});

describe('routes and sizes', () => {
  test.each([
    ['GET', '/'],
    ['GET', `/v1/${PROJECT}/transcodings`],
    ['GET', `/v1/${PROJECT}/thumbnails/1000001`],
    ['PUT', `/v1/${PROJECT}/thumbnails`],
    ['GET', '//'],
  ])('%s %s is not an API', async (method, path) => {
    const fixture = await MpcFixture.open();
    const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const { hostname, port } = new URL(fixture.endpoint);
      const sent = http.request({ hostname, port, method, path }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, body: text }));
      });
      sent.on('error', reject).end();
    });
    expect(status).toBe(404);
    expect(JSON.parse(body).error_code).toBe('APIGW.0101');
  });

  test('12 MB pass the gateway, and one byte more does not', async () => {
    const fixture = await MpcFixture.open();
    const limit = 12 * 1024 * 1024;
    const passed = await fixture.call('POST', { rawBody: ' '.repeat(limit) });
    expect(passed.body.error_code).toBe('MPC.10202');
    const refused = await fixture.call('POST', { rawBody: ' '.repeat(limit + 1) });
    expect(refused.status).toBe(413);
    expect(refused.body.error_code).toBe('APIGW.0201');
  });

  test('the refusal of a large body always arrives, and the connection stays usable', async () => {
    const fixture = await MpcFixture.open();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const url = `${fixture.endpoint}/v1/${PROJECT}/thumbnails`;
    const send = () =>
      new Promise((resolve, reject) => {
        const sent = http.request(url, { method: 'POST', agent }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        });
        sent.on('error', reject).end(Buffer.alloc(13 * 1024 * 1024));
      });
    for (let i = 0; i < 5; i++) expect(await send()).toBe(413);
    agent.destroy();
  });

  test('a body of unknown length is cut off at 12 MB too', async () => {
    const fixture = await MpcFixture.open();
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 13; i++) controller.enqueue(chunk);
        controller.close();
      },
    });
    const url = `${fixture.endpoint}/v1/${PROJECT}/thumbnails`;
    const answer = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(413);
  });

  test('every answer carries a request id, and the log has the same', async () => {
    const fixture = await MpcFixture.open();
    const answers = [
      await fixture.list(),
      await fixture.create(request()),
      await fixture.create({}),
      await fixture.cancel('1'),
      await fixture.call('GET', { path: '/nowhere' }),
    ];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(fixture.log.map(({ requestId }) => requestId)).toEqual(ids);
    expect(fixture.log.map(({ method, status, errorCode }) => [method, status, errorCode])).toEqual([
      ['GET', 200, undefined],
      ['POST', 202, undefined],
      ['POST', 400, 'MPC.10202'],
      ['DELETE', 403, 'MPC.10211'],
      ['GET', 404, 'APIGW.0101'],
    ]);
  });
});

describe('quota', () => {
  const throttledBody = {
    error_code: 'APIGW.0308',
    error_msg: expect.stringContaining('The throttling threshold has been reached'),
    request_id: expect.any(String),
  };

  async function statuses(fixture: MpcFixture, calls: number): Promise<number[]> {
    const all: number[] = [];
    for (let i = 0; i < calls; i++) all.push((await fixture.list()).status);
    return all;
  }

  test('the 101st call within 60 s is refused', async () => {
    const fixture = await MpcFixture.open();
    expect(await statuses(fixture, 100)).toEqual(Array(100).fill(200));
    fixture.nowMs += 59_999;
    const refused = await fixture.list();
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual(throttledBody);
    expect(seen(refused)).toEqual(GATEWAY_REFUSAL);
    fixture.nowMs += 1;
    expect((await fixture.list()).status).toBe(200);
  });

  test('the window slides: calls of the last 60 s count, older ones do not', async () => {
    const fixture = await MpcFixture.open({ callsPerMinute: 4 });
    expect(await statuses(fixture, 2)).toEqual([200, 200]);
    fixture.nowMs += 30_000;
    expect(await statuses(fixture, 2)).toEqual([200, 200]);
    fixture.nowMs += 30_000;
    expect(await statuses(fixture, 3)).toEqual([200, 200, 429]);
  });

  test('refused calls count too', async () => {
    const fixture = await MpcFixture.open({ callsPerMinute: 2 });
    expect(await statuses(fixture, 2)).toEqual([200, 200]);
    fixture.nowMs += 40_000;
    expect(await statuses(fixture, 2)).toEqual([429, 429]);
    fixture.nowMs += 40_000;
    expect(await statuses(fixture, 1)).toEqual([429]);
    fixture.nowMs += 60_000;
    expect(await statuses(fixture, 1)).toEqual([200]);
  });

  test('each operation has a quota of its own', async () => {
    const fixture = await MpcFixture.open({ callsPerMinute: 1 });
    expect((await fixture.list()).status).toBe(200);
    expect((await fixture.create(request())).status).toBe(202);
    expect((await fixture.cancel('1')).status).toBe(403);
    for (const answer of [await fixture.list(), await fixture.create(request()), await fixture.cancel('1')]) {
      expect(answer.status).toBe(429);
    }
  });

  test('calls with a wrong signature do not count', async () => {
    const fixture = await MpcFixture.open({ callsPerMinute: 1 });
    expect((await fixture.call('GET', { key: { ...KEY, secretKey: 'another' } })).status).toBe(401);
    expect((await fixture.list()).status).toBe(200);
  });
});

test('close drops open connections and ends running work', async () => {
  const fixture = await MpcFixture.open();
  fixture.capture.hold();
  const pending = fixture.create(syncRequest()).catch(() => 'dropped');
  await until(() => fixture.capture.started.length === 1);
  await fixture.mpc.close();
  expect(await pending).toBe('dropped');
  expect(fixture.mpc.server.listening).toBe(false);
});
