import * as z from 'zod/mini';
import {
  createRecord,
  digest,
  findRecord,
  getRecord,
  getRecordAs,
  listRecordsIn,
  putRecord,
} from '../../../shared/installation/records';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { SNAPSHOTS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());

const Count = z.object({ count: z.number() });

test('a record is read from the snapshot bucket; one of another form counts as none', async () => {
  services.answer = () => ({ body: '{"count":1}' });
  expect(await getRecord('r.json', services.invocation())).toEqual({ count: 1 });
  expect(await getRecordAs(Count, 'r.json', services.invocation())).toEqual({ count: 1 });
  expect(services.calls.at(-1)).toContain('/snapshots/r.json?');
  services.answer = () => ({ body: '{"count":"one"}' });
  expect(await getRecordAs(Count, 'r.json', services.invocation())).toBeUndefined();
  services.answer = () => ({ status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' });
  expect(await getRecordAs(Count, 'r.json', services.invocation())).toBeUndefined();
});

test('a record that was written at the second attempt says so', async () => {
  let attempts = 0;
  services.answer = () => {
    attempts += 1;
    return attempts === 1 ? { status: 503, body: '' } : { body: '' };
  };
  expect(await putRecord('r.json', { count: 1 }, services.invocation())).toBe(2);
});

test('a record is created once, and found by its key or in its folder', async () => {
  services.serve(
    new CloudDouble([SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, conditionalWrites: 'honoured', now: Date.now }),
  );
  const invocation = services.invocation();
  expect(await findRecord('f/r.json', invocation)).toBeUndefined();
  expect(await createRecord('f/r.json', { count: 1 }, invocation)).toBe(true);
  expect(await createRecord('f/r.json', { count: 2 }, invocation)).toBe(false);
  await putRecord('f/g/r.json', {}, invocation);
  expect(await findRecord('f/r.json', invocation)).toMatchObject({ key: 'f/r.json' });
  expect((await listRecordsIn('f/', invocation)).map(({ key }) => key)).toEqual(['f/r.json']);
});

test('a name depends on each part and on where one ends', () => {
  expect(digest('a', 'b')).toMatch(/^[0-9a-f]{40}$/);
  expect(new Set([digest('a', 'b'), digest('ab'), digest('a', 'b', ''), digest('b', 'a')]).size).toBe(4);
});
