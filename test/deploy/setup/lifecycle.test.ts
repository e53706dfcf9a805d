import { EXPIRIES } from '../../../deploy/setup/lifecycle';
import { RECORDS_FOLDER } from '../../../shared/installation/object-keys';
import { claimsFolder } from '../../../shared/tasks/claim-record';
import { REMOVED_FOLDER } from '../../../shared/tasks/removals';
import { BACKFILL_KEY } from '../../../shared/uploads/backfill';
import { desiredOf } from '../cloud-to-deploy-to';

/** The rule that deletes an object of this key; undefined: none, for OBS goes by the beginning of a key. */
const ruleOf = (key: string) =>
  EXPIRIES.filter(({ prefix }) => key.startsWith(prefix)).map(({ name }) => name);

test.each([
  ['a claim', `${claimsFolder('videos', 'uploads/a.mp4')}1.json`],
  ['a claim of a video that is named like a record', `${claimsFolder('requests', 'pace')}1.json`],
  ['the record that leads from a task to its result', `${RECORDS_FOLDER}tasks/5f1c.json`],
  ['a mark of a finished task', `${RECORDS_FOLDER}finished/5f1c.json`],
  ['a notice that waits to be sent', `${RECORDS_FOLDER}notices/5f1c.json`],
  ['an upload that waits', `${RECORDS_FOLDER}waiting/0a1b/5f1c.json`],
  ['an upload for later', `${RECORDS_FOLDER}later/5f1c.json`],
  ['a mark of a removed video', `${REMOVED_FOLDER}5f1c.json`],
  ['the position of the search for removed videos', `${RECORDS_FOLDER}removal.json`],
  ['the position of a backfill', BACKFILL_KEY],
  ['the position of the sweep', `${RECORDS_FOLDER}sweep.json`],
  ['the position of on-finish', `${RECORDS_FOLDER}finish.json`],
  ['a picture', 'snapshots/uploads/a.mp4/0.jpg'],
  ['a picture of a video whose key is that of a record', 'snapshots/.mpc-snapshots/requests/a.mp4/0.jpg'],
])('no rule deletes %s', (_, key) => {
  expect(ruleOf(key)).toEqual([]);
});

test('failed events expire after 30 days, records of Idempotency-Keys after 7, reservations after one', async () => {
  const desired = await desiredOf('prod');
  const targets = desired.functions.map(
    ({ asynchronous }) => asynchronous?.destination_config.on_failure.param,
  );
  const [param = ''] = targets.filter((target) => target !== undefined);
  const { prefix } = JSON.parse(param);
  expect(ruleOf(`${prefix}/2026/11/28/5f1c.json`)).toEqual(['failed-events']);
  expect(ruleOf(`${RECORDS_FOLDER}requests/5f1c.json`)).toEqual(['idempotency-keys']);
  expect(ruleOf(`${RECORDS_FOLDER}pace.json`)).toEqual(['reservations']);
  expect(EXPIRIES.map(({ days }) => days)).toEqual([30, 7, 1]);
});
