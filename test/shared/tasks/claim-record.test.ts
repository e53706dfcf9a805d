import {
  attemptKey,
  type ClaimRequest,
  claimKey,
  claimsFolder,
  createAttempt,
  hasAttempt,
  mayBeOf,
  readAttempt,
  writeAttemptIfPossible,
} from '../../../shared/tasks/claim-record';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { SNAPSHOTS, VIDEOS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

const VIDEO = { bucket: VIDEOS, key: 'a.mp4' };
const claim: ClaimRequest = {
  ...VIDEO,
  id: 'c',
  objectKey: claimKey(VIDEO, 'c'),
  etag: 'e',
  lastModifiedMs: 5,
};
const claimed = { state: 'claimed', claimed_at_ms: 1, owner: 'o' } as const;

const services = new ServicesDouble();
let cloud: CloudDouble;
beforeAll(() => services.start());
afterAll(() => services.stop());
beforeEach(() => {
  cloud = new CloudDouble([VIDEOS, SNAPSHOTS], {
    ...AS_THE_LOCAL_CLOUD,
    conditionalWrites: 'honoured',
    now: Date.now,
  });
  services.serve(cloud);
});

test('all records of a video lie in one folder, and each attempt has an object of its own', () => {
  expect(claimsFolder(VIDEOS, 'a.mp4')).toMatch(/^\.mpc-snapshots\/claims\/[0-9a-f]{40}\/$/);
  expect([0, 1, 12].map((attempt) => attemptKey(claim, attempt))).toEqual(
    ['c', 'c.1', 'c.12'].map((name) => `${claimsFolder(VIDEOS, 'a.mp4')}${name}.json`),
  );
});

test('an attempt is read as it was written, with the claim that it belongs to', async () => {
  const invocation = services.invocation();
  expect([await hasAttempt(claim, 1, invocation), await readAttempt(claim, 1, invocation)]).toEqual([
    false,
    undefined,
  ]);
  expect(await createAttempt(claim, 1, claimed, invocation)).toBe(true);
  expect(await hasAttempt(claim, 1, invocation)).toBe(true);
  expect(await readAttempt(claim, 1, invocation)).toEqual({
    ...claimed,
    claim: 'c',
    etag: 'e',
    last_modified_ms: 5,
    folder: 'snapshots/',
  });
});

test('only the first of two writers creates an attempt, and recognises its own record', async () => {
  const invocation = services.invocation();
  expect(await createAttempt(claim, 0, claimed, invocation)).toBe(true);
  expect(await createAttempt(claim, 0, { ...claimed, owner: 'p' }, invocation)).toBe(false);
  expect(await createAttempt(claim, 0, claimed, invocation)).toBe(true);
});

test.each(['no JSON', '{"state":"accepted","claimed_at_ms":1}'])(
  'of the record %s only its time is known',
  async (body) => {
    const { lastModifiedMs } = cloud.put(SNAPSHOTS, attemptKey(claim, 0), body);
    const read = await readAttempt(claim, 0, services.invocation());
    expect(read).toEqual({ state: 'claimed', claimed_at_ms: lastModifiedMs, damaged: 1 });
  },
);

test('a record that cannot be written is logged, and nothing fails', async () => {
  const written: string[] = [];
  const log = jest
    .spyOn(process.stdout, 'write')
    .mockImplementation((line) => written.push(String(line)) > 0);
  services.answer = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' });
  await writeAttemptIfPossible(claim, 0, claimed, services.invocation());
  log.mockRestore();
  expect(written.map((line) => JSON.parse(line).event)).toEqual(['claim.not_written']);
});

test('a task may be of a record unless both name an owner, and another one', () => {
  const record = { state: 'claimed', claimed_at_ms: 1 } as const;
  expect(mayBeOf(record, { owner: 'a' })).toBe(true);
  expect(mayBeOf({ ...record, owner: 'a' }, {})).toBe(true);
  expect(mayBeOf({ ...record, owner: 'a' }, { owner: 'a' })).toBe(true);
  expect(mayBeOf({ ...record, owner: 'a' }, { owner: 'b' })).toBe(false);
});
