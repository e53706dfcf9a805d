import type { Server } from 'node:http';
import { createEventGridServer } from '../../../local/eg/server';
import { closeServer, listen } from '../../../local/http-server';
import { type Cloud, PROJECT, signedHeaders, startCloud, urnOf } from '../functiongraph/cloud';

let cloud: Cloud;
let server: Server;
let base: string;
beforeEach(async () => {
  cloud = await startCloud();
  await cloud.deploy('uploads', 'exports.handler = async (event, context) => event;');
  server = createEventGridServer({ functiongraph: cloud.functiongraph, credentials: cloud.credentials });
  base = `http://127.0.0.1:${await listen(server, 0)}`;
});
afterEach(async () => {
  await closeServer(server);
  await cloud.close();
});

async function call(method: string, path: string) {
  const target = new URL(`${base}/v1/${PROJECT}/${path}`);
  const response = await fetch(target, { method, headers: signedHeaders(method, target, undefined, {}) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function addTrigger(functionName = 'uploads'): Promise<string> {
  const { body } = await cloud.addTrigger(functionName, 'EVENTGRID', {
    channel_id: 'c',
    source_name: 'HC.OBS.DWR',
    trigger_name: 'uploads',
    agency: 'fgs_to_eg',
    bucket: 'videos',
    event_types: ['OBS:DWR:ObjectCreated:PUT'],
  });
  return body.trigger_id;
}

const triggers = async () => (await cloud.call('GET', `fgs/triggers/${urnOf('uploads')}`)).body;

test('a trigger makes a subscription with the same id, and deleting the subscription deletes the trigger', async () => {
  const id = await addTrigger();
  expect(await call('GET', 'subscriptions')).toMatchObject({
    status: 200,
    body: { total: 1, items: [{ id }] },
  });
  expect(await call('GET', `subscriptions/${id}`)).toMatchObject({
    status: 200,
    body: { id, channel_id: 'c', targets: [{ name: 'HC.FunctionGraph', detail: { urn: urnOf('uploads') } }] },
  });
  expect((await call('DELETE', `subscriptions/${id}`)).status).toBe(204);
  expect(await triggers()).toEqual([]);
  expect((await call('DELETE', `subscriptions/${id}`)).status).toBe(404);
});

test('subscriptions are listed page by page, 15 by default', async () => {
  await cloud.deploy('others', 'exports.handler = async (event, context) => event;');
  const ids = [];
  // A function takes ten triggers of this kind.
  for (let number = 0; number < 16; number++) ids.push(await addTrigger(number < 8 ? 'uploads' : 'others'));
  const listed = async (query: string) => {
    const { body } = await call('GET', `subscriptions${query}`);
    expect(body).toMatchObject({ total: 16, size: body.items.length });
    return body.items.map(({ id }: { id: string }) => id);
  };
  expect(await listed('')).toEqual(ids.slice(0, 15));
  expect(await listed('?offset=15')).toEqual(ids.slice(15));
  expect(await listed('?offset=3&limit=2')).toEqual(ids.slice(3, 5));
  expect(await listed('?limit=1000')).toEqual(ids);
  for (const query of ['offset=-1', 'limit=0', 'limit=1001', 'limit=all']) {
    expect(await call('GET', `subscriptions?${query}`)).toMatchObject({
      status: 400,
      body: { error_code: 'EG.0400' },
    });
  }
});

test('a trigger that is deleted leaves its subscription behind', async () => {
  const id = await addTrigger();
  await cloud.call('DELETE', `fgs/triggers/${urnOf('uploads')}/EVENTGRID/${id}`);
  expect(await triggers()).toEqual([]);
  expect((await call('GET', `subscriptions/${id}`)).status).toBe(200);
});

test('a trigger is read back without its bucket', async () => {
  await addTrigger();
  const [trigger] = await triggers();
  expect(trigger.event_data).toMatchObject({ channel_id: 'c', event_types: ['OBS:DWR:ObjectCreated:PUT'] });
  expect(trigger.event_data).not.toHaveProperty('bucket');
});

test('a request must be signed and for the project of its key', async () => {
  expect((await fetch(`${base}/v1/${PROJECT}/subscriptions`)).status).toBe(401);
  const target = new URL(`${base}/v1/other/subscriptions`);
  const foreign = await fetch(target, { headers: signedHeaders('GET', target, undefined, {}) });
  expect(foreign.status).toBe(404);
});
