import * as z from 'zod/mini';
import { getRecord, getRecordAs, putRecord } from '../../../shared/installation/records';
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
