import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { CallFailed, CloudApi, type CloudApiOptions, connectionFrom } from '../../deploy/cloud-api';
import { closeServer, listen } from '../../local/http-server';
import { until } from '../wait';

let server: Server;
let requests = 0;
let pausesMs: number[] = [];
afterEach(() => closeServer(server));

const VARIABLES = {
  HUAWEICLOUD_SDK_AK: 'AKTEST',
  HUAWEICLOUD_SDK_SK: 'SKTEST',
  HUAWEICLOUD_SDK_PROJECT_ID: 'project',
};

/** A client of a service that answers with `answer`. */
async function clientOf(answer: RequestListener, options: CloudApiOptions = {}): Promise<CloudApi> {
  requests = 0;
  pausesMs = [];
  server = createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => answer(request, response));
  });
  const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  return new CloudApi(
    connectionFrom({ ...VARIABLES, FUNCTIONGRAPH_ENDPOINT: `${endpoint}/` }, 'ap-southeast-3'),
    {
      pause: async (ms) => pausesMs.push(ms),
      random: () => 0.5,
      ...options,
    },
  );
}

const failureOf = (call: Promise<unknown>): Promise<CallFailed> =>
  call.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: unknown) => {
      expect(error).toBeInstanceOf(CallFailed);
      return error as CallFailed;
    },
  );

const get = { method: 'GET', path: '/v2/p/fgs/functions' } as const;
const post = { ...get, method: 'POST', body: {} } as const;

test.each([429, 500, 502, 503])('status %d is tried five times, with pauses that double', async (status) => {
  const api = await clientOf((_, response) => response.writeHead(status).end());
  expect((await failureOf(api.call('functiongraph', get))).status).toBe(status);
  expect(requests).toBe(5);
  expect(pausesMs).toEqual([300, 600, 1200, 2400]);
});

test('half of each pause is random', async () => {
  for (const [random, pauses] of [
    [0, [200, 400, 800, 1600]],
    [1, [400, 800, 1600, 3200]],
  ] as const) {
    const api = await clientOf((_, response) => response.writeHead(429).end(), { random: () => random });
    await failureOf(api.call('functiongraph', get));
    expect(pausesMs).toEqual(pauses);
    await closeServer(server);
  }
  server = createServer();
});

test.each([400, 401, 403, 404, 409])('status %d is final: the call is not tried again', async (status) => {
  const api = await clientOf((_, response) =>
    response.writeHead(status).end('{"error_code":"FSS.1","error_msg":"no"}'),
  );
  const { code, message } = await failureOf(api.call('functiongraph', get));
  expect([code, message]).toEqual(['FSS.1', `GET /v2/p/fgs/functions: ${status} FSS.1 no`]);
  expect(requests).toBe(1);
});

test.each([500, 502, 504])('a POST is not repeated after %d: it may have had its effect', async (status) => {
  const api = await clientOf((_, response) => response.writeHead(status).end());
  expect((await failureOf(api.call('functiongraph', post))).isOutcomeUnknown).toBe(true);
  expect(requests).toBe(1);
});

test('a POST is not repeated after a broken connection', async () => {
  const api = await clientOf((request) => request.socket.destroy());
  expect((await failureOf(api.call('functiongraph', post))).isOutcomeUnknown).toBe(true);
  expect(requests).toBe(1);
});

test.each([429, 503])('a POST is repeated after %d, which says that nothing was done', async (status) => {
  const api = await clientOf((_, response) => response.writeHead(status).end());
  expect((await failureOf(api.call('functiongraph', post))).isOutcomeUnknown).toBe(false);
  expect(requests).toBe(5);
});

test('a service that cannot be reached is tried again, also with a POST', async () => {
  const api = await clientOf(() => {});
  await closeServer(server);
  const { message, isOutcomeUnknown } = await failureOf(api.call('functiongraph', post));
  expect(message).toMatch(
    /^POST \/v2\/p\/fgs\/functions: no answer \(ECONNREFUSED\) from http:\/\/127\.0\.0\.1:\d+$/,
  );
  expect(isOutcomeUnknown).toBe(false);
  expect(pausesMs).toHaveLength(4);
});

test('a request without an answer is given up', async () => {
  const api = await clientOf(() => {}, { timeoutMs: 50 });
  expect((await failureOf(api.call('functiongraph', post))).message).toContain('no answer within 0.05 s');
});

test('an error does not repeat the request that a refusal quotes', async () => {
  const api = await clientOf((_, response) =>
    response.writeHead(401).end(
      JSON.stringify({
        error_code: 'APIG.0301',
        error_msg:
          'Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|x-security-token:secret-token',
      }),
    ),
  );
  const { message } = await failureOf(api.call('functiongraph', get));
  expect(message).toBe(
    'GET /v2/p/fgs/functions: 401 APIG.0301 Incorrect IAM authentication information: verify aksk signature fail',
  );
});

test('no more than six calls are open at the same time', async () => {
  const held: ServerResponse[] = [];
  const api = await clientOf((request, response) => {
    if (request.headers.authorization === undefined) response.end();
    else held.push(response);
  });
  const calls = 15;
  const done = Promise.all(Array.from({ length: calls }, () => api.call('functiongraph', get)));
  for (let answered = 0; answered < calls; answered += 1) {
    const desired = Math.min(6, calls - answered);
    await until(() => held.length >= desired);
    // A request that comes after those of the client: had it sent more of them, they would be here.
    await fetch(api.connection.endpoints.functiongraph ?? '');
    expect(held).toHaveLength(desired);
    held.shift()?.end('{}');
  }
  await done;
});

describe('the environment', () => {
  test('must name key, secret and project; all that is missing is reported at once', () => {
    expect(() => connectionFrom({ HUAWEICLOUD_SDK_AK: ' ' }, 'ap-southeast-3')).toThrow(
      /^HUAWEICLOUD_SDK_AK is not set: .*\nHUAWEICLOUD_SDK_SK is not set: .*\nHUAWEICLOUD_SDK_PROJECT_ID is not set: .*$/,
    );
  });

  test('may have a security token, which is sent and signed', async () => {
    const { credentials } = connectionFrom(
      { ...VARIABLES, HUAWEICLOUD_SDK_SECURITY_TOKEN: 'token' },
      'ap-southeast-3',
    );
    expect(credentials).toEqual({ accessKey: 'AKTEST', secretKey: 'SKTEST', securityToken: 'token' });
    let headers: NodeJS.Dict<string | string[]> = {};
    const api = await clientOf((request, response) => {
      headers = request.headers;
      response.end('{}');
    });
    await new CloudApi({ ...api.connection, credentials }).call('functiongraph', get);
    expect(headers['x-security-token']).toBe('token');
    expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-security-token/);
    expect(headers['x-project-id']).toBe('project');
  });

  test('has a project, which all services but the global IAM get', async () => {
    const seen: (string | string[] | undefined)[] = [];
    const api = await clientOf((request, response) => {
      seen.push(request.headers['x-project-id']);
      response.end('{}');
    });
    const { functiongraph = '' } = api.connection.endpoints;
    const connection = { ...api.connection, endpoints: { functiongraph, iam: functiongraph } };
    await new CloudApi(connection).call('functiongraph', get);
    await new CloudApi(connection).call('iam', get);
    expect(seen).toEqual(['project', undefined]);
  });

  test('may not name an endpoint with a path', () => {
    expect(() =>
      connectionFrom({ ...VARIABLES, FUNCTIONGRAPH_ENDPOINT: 'http://a/b' }, 'ap-southeast-3'),
    ).toThrow('FUNCTIONGRAPH_ENDPOINT must be an origin');
  });
});
