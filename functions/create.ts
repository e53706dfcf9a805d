import { ApiError } from '../shared/api/errors';
import { type ApiResponse, answer, jsonResponse } from '../shared/api/gateway';
import { connect } from '../shared/cloud/http';
import type { CreateTaskBody } from '../shared/cloud/mpc';
import { type CreatedTask, createTask } from '../shared/cloud/mpc';
import { connectToBucket } from '../shared/cloud/obs';
import type { FunctionContext } from '../shared/core/context';
import { OPERATION_FAILED } from '../shared/core/errors';
import type { Invocation } from '../shared/installation/invocation';
import { parseCreateRequest } from '../shared/tasks/create-request';
import { createOnce } from '../shared/tasks/idempotency';
import { recordTask } from '../shared/tasks/task-index';
import { withNote } from '../shared/tasks/task-note';
import { expectedPictures, pictureOfSyncTask } from '../shared/views/pictures';

/** `POST /snapshots`: creates a snapshot task. */
export const handler = async (event: unknown, context: FunctionContext): Promise<ApiResponse> =>
  answer(event, context, async (request, invocation) => {
    // Under way while the request is being checked.
    connect(invocation.settings.mpcEndpoint);
    const body = parseCreateRequest(request.json(), invocation.settings);
    if (request.query.dry_run?.at(-1) === 'true') return dryRun(body);
    // For the record of the task: under way while MPC is at work.
    connectToBucket(invocation.settings.snapshotBucket, invocation);
    const key = request.headers['idempotency-key'];
    const created = await (key === undefined
      ? createTask(withNote(body), invocation)
      : createOnce(key, body, invocation));
    if (created.task_id) {
      await recordTask({ bucket: body.input.bucket, key: body.input.object }, created.task_id, invocation);
    }
    return jsonResponse(
      202,
      body.sync === 1 ? syncAnswer(created, body, invocation) : { task_id: created.task_id },
    );
  });

function dryRun(body: CreateTaskBody): ApiResponse {
  return jsonResponse(200, { request: withNote(body), pictures: expectedPictures(body.thumbnail_para) });
}

/** A synchronous task has its picture at once; MPC says in `description` why it has none. */
function syncAnswer(created: CreatedTask, body: CreateTaskBody, invocation: Invocation): unknown {
  const picture = pictureOfSyncTask(created, body, invocation);
  if (picture === undefined) {
    throw new ApiError(
      422,
      OPERATION_FAILED,
      created.description || 'no picture could be captured at this time',
    );
  }
  const { task_id, status, create_time, output_file_name } = created;
  return {
    task_id,
    status,
    create_time,
    output: created.output ?? body.output,
    output_file_name,
    thumbnail_info: [picture],
  };
}
