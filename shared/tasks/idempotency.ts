import { type CreatedTask, type CreateTaskBody, listTasks } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { InvalidRequest, show } from '../validation';
import { ClaimInFlight, type ClaimRequest, createClaimedTask, digest, findClaim } from './claims';
import { withNote } from './task-note';

/**
 * Creates a task once for an `Idempotency-Key`: the same key and the same body
 * give the same task, however often they come.
 *
 * Wrong requests never get here, and refusals of MPC are not remembered: the key stays free. Two calls with one new
 * key in the very same moment can make two tasks where the bucket takes no conditional writes, see claims.ts.
 * @param caller whose key it is; undefined where the gateway does not say: all of these share their keys
 * @throws ClaimOfAnotherRequest for another body under the same key; ClaimInFlight while another call with it is at work;
 * ClaimDamaged
 */
export async function createOnce(
  key: string,
  caller: string | undefined,
  body: CreateTaskBody,
  invocation: Invocation,
): Promise<CreatedTask> {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new InvalidRequest([
      { path: 'Idempotency-Key', message: `must be 1 to 255 printable ASCII characters, got ${show(key)}` },
    ]);
  }
  const claim = requestClaim(key, caller, body);
  if (withNote(body, claim.id) === body) {
    const message = `must leave room for 150 characters more with an Idempotency-Key, got ${body.user_data?.length}`;
    throw new InvalidRequest([{ path: 'user_data', message }]);
  }
  const found = await findClaim(claim, invocation);
  const { task, isNew } =
    found.task === undefined
      ? await createClaimedTask(claim, body, found.free, invocation)
      : { task: found.task, isNew: false };
  return body.sync === 1 && !isNew ? withPicture(task, invocation) : task;
}

/** A synchronous task whose answer was lost: the list knows its picture, once there is one. */
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

function requestClaim(key: string, caller: string | undefined, body: CreateTaskBody): ClaimRequest {
  const id = digest('Idempotency-Key', key, ...(caller === undefined ? [] : [caller]));
  return {
    id,
    objectKey: `${RECORDS_FOLDER}requests/${id}.json`,
    bucket: body.input.bucket,
    key: body.input.object,
    output: body.output,
    fingerprint: digest(JSON.stringify(body)),
  };
}
