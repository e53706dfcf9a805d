import { type CreatedTask, type CreateTaskBody, listTasks } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { digest } from '../installation/records';
import { InvalidRequest, MAX_USER_DATA_CHARACTERS, show } from '../validation';
import type { ClaimRequest } from './claim-record';
import { ClaimInFlight, ClaimOfAnotherRequest, createClaimedTask, findClaim } from './claims';
import { withNoteIfRoom } from './task-note';

/**
 * Creates a task once for an `Idempotency-Key`: the same key with the same body always gives the same task.
 *
 * Invalid requests never get here, and a refusal by MPC leaves the key free. Two simultaneous calls with one new key
 * can make two tasks if the bucket does not support conditional writes, see claims.ts.
 * @param caller owner of the key; undefined if the gateway does not identify the caller: all of those share their keys
 * @param asked the request as it came, without the defaults of settings, which may change before it is repeated
 * @throws ClaimOfAnotherRequest for another body with the same key; ClaimInFlight while another call with it is running;
 * ClaimDamaged
 */
export async function createOnce(
  key: string,
  caller: string | undefined,
  body: CreateTaskBody,
  asked: unknown,
  invocation: Invocation,
): Promise<CreatedTask> {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new InvalidRequest([
      { path: 'Idempotency-Key', message: `must be 1 to 255 printable ASCII characters, got ${show(key)}` },
    ]);
  }
  const claim = requestClaim(key, caller, body, asked);
  if (withNoteIfRoom(body, { claim: claim.id, owner: claim.id.slice(0, 8) }) === body) {
    const message = `must leave 150 of its ${MAX_USER_DATA_CHARACTERS} characters free with an Idempotency-Key, got ${body.user_data?.length}`;
    throw new InvalidRequest([{ path: 'user_data', message }]);
  }
  const found = await findClaim(claim, invocation).catch((error: unknown) => {
    if (!(error instanceof ClaimOfAnotherRequest)) throw error;
    // Earlier versions recorded the request with its defaults.
    return findClaim({ ...claim, fingerprint: fingerprintOf(body) }, invocation);
  });
  // A claim with a text, even an empty one, is a caller's. See unfinished.ts.
  const withText = { ...body, user_data: body.user_data ?? '' };
  const { task, isNew } =
    found.task === undefined
      ? await createClaimedTask(claim, withText, found.free, invocation)
      : { task: found.task, isNew: false };
  return body.sync === 1 && !isNew ? withPicture(task, invocation) : task;
}

/** Adds the picture to a synchronous task whose answer was lost: MPC's list has it once the task has ended. */
async function withPicture(found: CreatedTask, invocation: Invocation): Promise<CreatedTask> {
  if (found.output_file_name !== undefined || found.task_id === undefined) return found;
  const [task] = (await listTasks([['task_id', found.task_id]], invocation)).tasks;
  if (task?.status === 'WAITING' || task?.status === 'PROCESSING') throw new ClaimInFlight(1);
  return {
    ...found,
    ...task,
    output_file_name: task?.output_file_name ?? task?.thumbnail_info?.[0]?.pic_name,
  };
}

function requestClaim(
  key: string,
  caller: string | undefined,
  body: CreateTaskBody,
  asked: unknown,
): ClaimRequest {
  const id = digest('Idempotency-Key', key, ...(caller === undefined ? [] : [caller]));
  return {
    id,
    objectKey: `${RECORDS_FOLDER}requests/${id}.json`,
    bucket: body.input.bucket,
    key: body.input.object,
    output: body.output,
    fingerprint: fingerprintOf(asked),
  };
}

function fingerprintOf(request: unknown): string {
  return digest(JSON.stringify(request));
}
