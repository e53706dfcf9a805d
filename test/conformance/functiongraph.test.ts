import { createHash } from 'node:crypto';
import { zipFunction } from '../../deploy/bundle';
import { conformance, observe } from './conformance';

const CODE = `exports.handler = async (event, context) => {
  if (event.fail) throw new Error('asked to');
  return { got: event, requestId: context.getRequestID() };
};`;

conformance('FunctionGraph', (session) => {
  let name: string;
  let urn: string;
  let digest: string;
  const settings = () => ({
    func_name: name,
    runtime: 'Node.js20.15',
    handler: 'index.handler',
    memory_size: 128,
    timeout: 10,
  });

  beforeAll(async () => {
    name = `${session().name}-fg`;
    urn = session().urnOf(name);
    const created = await session().createFunction(name, CODE);
    expect(created).toMatchObject({ status: 200, body: { func_name: name } });
    digest = created.body.digest;
    observe('a new function', created.body);
  });

  test('the region has the functions’ runtime and lists its trigger types', async () => {
    const runtimes = await session().functiongraph('GET', 'runtimetypes');
    observe('runtimes', runtimes);
    expect(runtimes.body.map(({ type }: { type: string }) => type)).toContain('Node.js20.15');
    const types = await session().functiongraph('GET', 'triggertypes');
    observe('types of triggers', types);
    expect(types.body).toContain('TIMER');
  });

  test('a function has the URN that follows from its name', async () => {
    const { body } = await session().functiongraph('GET', `functions/${urn}/config`);
    expect(body).toMatchObject({ func_urn: urn, ...settings() });
  });

  test('the digest is the SHA-512 of the zip', async () => {
    const zip = await zipFunction(Buffer.from(CODE));
    expect(digest).toBe(createHash('sha512').update(zip).digest('hex'));
  });

  test('strategy_config with both fields is accepted and read back', async () => {
    const path = `functions/${urn}/config`;
    const lone = await session().functiongraph('PUT', path, {
      ...settings(),
      strategy_config: { concurrency: 1 },
    });
    observe('strategy_config without concurrent_num', [lone.status, lone.body]);
    const both = await session().functiongraph('PUT', path, {
      ...settings(),
      strategy_config: { concurrency: 1, concurrent_num: 1 },
    });
    expect(both.status).toBe(200);
    const { body } = await session().functiongraph('GET', path);
    expect(body.strategy_config).toMatchObject({ concurrency: 1, concurrent_num: 1 });
  });

  test('a separate call also sets the number of instances', async () => {
    const set = await session().functiongraph('PUT', `functions/${urn}/config-max-instance`, {
      max_instance_num: 2,
    });
    expect(set.status).toBe(200);
    const { body } = await session().functiongraph('GET', `functions/${urn}/config`);
    expect(body.strategy_config.concurrency).toBe(2);
  });

  test('an asynchronous configuration is read back', async () => {
    const path = `functions/${urn}/async-invoke-config`;
    expect((await session().functiongraph('GET', path)).status).toBe(404);
    const wanted = { max_async_retry_attempts: 3, max_async_event_age_in_seconds: 3600 };
    expect((await session().functiongraph('PUT', path, wanted)).status).toBe(200);
    expect((await session().functiongraph('GET', path)).body).toMatchObject(wanted);
  });

  test('an invocation returns the result, and reports a failure in headers', async () => {
    const path = `functions/${urn}/invocations`;
    const headers = { 'X-CFF-Request-Version': 'v1' };
    const { status, body } = await session().functiongraph('POST', path, { n: 1 }, { headers });
    expect(status).toBe(200);
    expect(JSON.parse(body.result)).toMatchObject({ got: { n: 1 } });
    const failed = await session().functiongraph('POST', path, { fail: true }, { headers });
    observe('a function that fails', [failed.status, Object.fromEntries(failed.headers), failed.body]);
    expect(failed.headers.get('x-is-func-err')).toBe('true');
  });

  describe('a trigger', () => {
    const triggers = (): Record<string, Record<string, unknown> | undefined> => {
      const { UPLOAD_BUCKET, APIG_GROUP_ID, APIG_INSTANCE_ID, EVENTGRID_CHANNEL_ID } = session().environment;
      return {
        TIMER: { name: 'conformance', schedule_type: 'Rate', schedule: '30d', user_event: '' },
        OBS: {
          bucket: UPLOAD_BUCKET,
          events: ['s3:ObjectCreated:*'],
          prefix: `${session().folder}obs/`,
          suffix: '',
          name: session().name,
        },
        EVENTGRID: EVENTGRID_CHANNEL_ID
          ? {
              channel_id: EVENTGRID_CHANNEL_ID,
              source_name: 'HC.OBS.DWR',
              trigger_name: 'conformance',
              agency: 'fgs_to_eg',
              bucket: UPLOAD_BUCKET,
              event_types: ['OBS:DWR:ObjectCreated:PUT'],
              Key_encode: true,
              prefix: `${session().folder}eg/`,
              suffix: '',
            }
          : undefined,
        [APIG_INSTANCE_ID ? 'DEDICATEDGATEWAY' : 'APIG']: APIG_GROUP_ID
          ? {
              name: session().name.replaceAll('-', '_'),
              type: 1,
              path: `/${session().name}`,
              protocol: 'HTTPS',
              req_method: 'GET',
              group_id: APIG_GROUP_ID,
              match_mode: 'SWA',
              env_name: 'RELEASE',
              env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
              auth: 'IAM',
              func_info: { timeout: 5000 },
              backend_type: 'FUNCTION',
              ...(APIG_INSTANCE_ID && { instance_id: APIG_INSTANCE_ID }),
            }
          : undefined,
      };
    };

    test.each(['TIMER', 'OBS', 'EVENTGRID', 'of API Gateway'])(
      'of type %s is made, read back and gone after its deletion',
      async (which) => {
        const found = Object.entries(triggers()).find(
          ([one]) => one === which || (which === 'of API Gateway' && /^(APIG|DEDICATEDGATEWAY)$/.test(one)),
        );
        const [type = '', data] = found ?? [];
        const { body: types } = await session().functiongraph('GET', 'triggertypes');
        if (data === undefined || !types.includes(type)) {
          return observe(
            `${type} triggers are not tried`,
            data === undefined ? 'a variable is not set' : types,
          );
        }
        const created = await session().functiongraph('POST', `triggers/${urn}`, {
          trigger_type_code: type,
          event_data: data,
        });
        observe(`a new ${type} trigger`, created);
        expect(created.status).toBe(201);
        const id = created.body.trigger_id;
        const { body: listed } = await session().functiongraph('GET', `triggers/${urn}`);
        const read = listed.find((one: { trigger_id: string }) => one.trigger_id === id);
        expect(read).toMatchObject({ trigger_type_code: type });
        observe(`fields of a ${type} trigger that are not read back`, [
          ...Object.keys(data).filter((field) => read.event_data[field] === undefined),
        ]);
        if (type === 'OBS') expect(id).toBe(data.name);
        await session().removeTrigger(urn, type, id);
        if (type === 'EVENTGRID') {
          expect((await session().eventGrid('GET', `subscriptions/${id}`)).status).toBe(404);
        }
      },
    );

    test('with parameters in its path is refused or accepted', async () => {
      const { APIG_GROUP_ID } = session().environment;
      if (!APIG_GROUP_ID) return observe('parameters in a path are not tried', 'APIG_GROUP_ID is not set');
      const [type, data] =
        Object.entries(triggers()).find(([one]) => /^(APIG|DEDICATEDGATEWAY)$/.test(one)) ?? [];
      const { status, body } = await session().functiongraph('POST', `triggers/${urn}`, {
        trigger_type_code: type,
        event_data: { ...data, path: `/${session().name}/{id}`, match_mode: 'NORMAL' },
      });
      observe('parameters in a path', [status, body]);
      expect([201, 400]).toContain(status);
    });
  });

  test('a missing function or trigger is answered with 404, 401 FSS.0401 or 500 FSS.0500', async () => {
    const nobody = session().urnOf(`${session().name}-no`);
    const answers = {
      'configuration of a missing function': await session().functiongraph(
        'GET',
        `functions/${nobody}/config`,
      ),
      'triggers of a missing function': await session().functiongraph('GET', `triggers/${nobody}`),
      'deletion of a trigger of a missing function': await session().functiongraph(
        'DELETE',
        `triggers/${nobody}/OBS/none`,
      ),
      'deletion of a missing trigger': await session().functiongraph('DELETE', `triggers/${urn}/OBS/none`),
    };
    for (const [what, { status, body }] of Object.entries(answers)) {
      observe(what, [status, body]);
      expect([404, '401 FSS.0401', '500 FSS.0500']).toContain(
        status === 404 ? 404 : `${status} ${body.error_code}`,
      );
    }
  });

  test('a deleted function is no longer found', async () => {
    await session().removeFunction(urn);
    const { status } = await session().functiongraph('GET', `functions/${urn}/config`);
    expect(status).toBe(404);
  });
});
