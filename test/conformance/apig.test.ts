import { until } from '../wait';
import { conformance, IS_REAL, observe } from './conformance';

const ECHO = `exports.handler = async (event, context) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
  isBase64Encoded: false,
});`;

conformance('API Gateway', (session) => {
  let urn: string;
  let address: string;
  /** False where there is no group to publish in. */
  let isPublished = false;

  beforeAll(async () => {
    const { APIG_GROUP_ID, APIG_INSTANCE_ID } = session().environment;
    if (!APIG_GROUP_ID) return observe('API Gateway is not tried', 'APIG_GROUP_ID is not set');
    const name = `${session().name}-gw`;
    urn = session().urnOf(name);
    expect((await session().createFunction(name, ECHO)).status).toBe(200);
    const created = await session().functiongraph('POST', `triggers/${urn}`, {
      trigger_type_code: APIG_INSTANCE_ID ? 'DEDICATEDGATEWAY' : 'APIG',
      event_data: {
        name: `${session().name.replaceAll('-', '_')}_gw`,
        type: 1,
        path: `/${session().name}`,
        protocol: 'HTTPS',
        req_method: 'ANY',
        group_id: APIG_GROUP_ID,
        match_mode: 'SWA',
        env_name: 'RELEASE',
        env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
        auth: 'IAM',
        func_info: { timeout: 5000 },
        backend_type: 'FUNCTION',
        ...(APIG_INSTANCE_ID && { instance_id: APIG_INSTANCE_ID }),
      },
    });
    observe('the trigger of an API', created);
    expect(created.status).toBe(201);
    address = created.body.event_data.invoke_url;
    isPublished = true;
  });

  const call = (
    method: string,
    rest: string,
    more: Parameters<ReturnType<typeof session>['signed']>[2] = {},
  ) => session().signed(method, new URL(address + rest), more);
  /** A fact that needs a published API. */
  const fact = (what: string, work: () => Promise<void>) =>
    test(what, async () => {
      if (isPublished) await work();
    });

  fact('a signed call reaches the function, and an unsigned one does not', async () => {
    const reached = await until(
      async () => {
        const answer = await call('GET', '/7');
        return answer.status === 200 ? answer : undefined;
      },
      { what: 'the API is published', timeoutMs: IS_REAL ? 60_000 : 10_000 },
    );
    observe('the event of an API', reached.body);
    expect(reached.body).toMatchObject({ httpMethod: 'GET', isBase64Encoded: true });
    expect((await fetch(`${address}/7`)).status).toBe(401);
  });

  fact('what lies below the path of a prefix match stands in path', async () => {
    const { body } = await call('GET', '/7');
    expect(body.path).toBe(`/${session().name}/7`);
    observe('pathParameters of a prefix match', body.pathParameters);
    expect((await call('GET', '')).body.path).toBe(`/${session().name}`);
  });

  fact('a body comes in base64', async () => {
    const { body } = await call('POST', '', { body: { n: 1 } });
    expect(JSON.parse(Buffer.from(body.body, 'base64').toString())).toEqual({ n: 1 });
  });

  fact('a query is read, and what becomes of a repeated parameter is one of two', async () => {
    const { body } = await call('GET', '', { query: { one: '1', many: ['a', 'b'] } });
    expect(body.queryStringParameters.one).toBe('1');
    observe('a repeated parameter', body.queryStringParameters.many);
    observe('a request without query', (await call('GET', '')).body.queryStringParameters);
    expect(['b', 'a', ['a', 'b']]).toContainEqual(body.queryStringParameters.many);
  });

  fact('an API goes with its trigger', async () => {
    const { body } = await session().functiongraph('GET', `triggers/${urn}`);
    for (const { trigger_type_code: type, trigger_id: id } of body)
      await session().removeTrigger(urn, type, id);
    await until(async () => (await call('GET', '/7')).status === 404, {
      what: 'the API is gone',
      timeoutMs: IS_REAL ? 60_000 : 10_000,
    });
  });
});
