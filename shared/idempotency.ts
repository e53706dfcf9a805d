import {
  ClaimInFlight,
  ClaimMismatch,
  type ClaimRequest,
  createClaimedTask,
  digest,
  findClaimedTask,
} from './claims';
import type { CreateTaskBody } from './create-request';
import { ApiError } from './errors';
import type { Invocation } from './invocation';
import { RECORDS_FOLDER } from './locations';
import type { CreatedTask } from './mpc';
import { withNote } from './user-data';
import { invalidRequest } from './validation';

/**
 * Creates a task once for an `Idempotency-Key`: the same key and the same body
 * give the same task, however often they come.
 *
 * Wrong requests never get here, and refusals of MPC are not remembered: the key stays free. Two calls with one new
 * key in the very same moment can make two tasks, see claims.ts.
 * @throws ApiError 422 for another body under the same key, 409 while another call with it is at work
 */
export async function createOnce(
  key: string,
  body: CreateTaskBody,
  invocation: Invocation,
): Promise<CreatedTask> {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalidRequest([
      { path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' },
    ]);
  }
  const claim = requestClaim(key, body);
  if (withNote(body, claim.id) === body) {
    const message = `must leave room for 150 characters more with an Idempotency-Key, got ${body.user_data?.length}`;
    throw invalidRequest([{ path: 'user_data', message }]);
  }
  try {
    const found = await findClaimedTask(claim, invocation);
    return found ?? (await createClaimedTask(claim, body, invocation));
  } catch (error) {
    if (error instanceof ClaimMismatch) {
      throw new ApiError(422, 'IDEMPOTENCY.0422', 'this Idempotency-Key was used for another request');
    }
    if (error instanceof ClaimInFlight) {
      throw new ApiError(409, 'IDEMPOTENCY.0409', 'a request with this Idempotency-Key is being worked on', {
        retryAfterSeconds: error.retryAfterSeconds,
      });
    }
    throw error;
  }
}

function requestClaim(key: string, body: CreateTaskBody): ClaimRequest {
  const id = digest('Idempotency-Key', key);
  return {
    id,
    objectKey: `${RECORDS_FOLDER}requests/${id}.json`,
    bucket: body.input.bucket,
    key: body.input.object,
    fingerprint: digest(JSON.stringify(body)),
  };
}
