import * as z from 'zod/mini';
import { ApiError, toApiError } from '../shared/api/errors';
import { type ApiResponse, answer, jsonResponse } from '../shared/api/gateway';
import { connect } from '../shared/cloud/http';
import type { CreateTaskBody } from '../shared/cloud/mpc';
import { type CreatedTask, createTask, mpcTime } from '../shared/cloud/mpc';
import { connectToBucket } from '../shared/cloud/obs';
import type { FunctionContext } from '../shared/core/context';
import { OPERATION_FAILED, ServiceTimedOut, ServiceUnavailable } from '../shared/core/errors';
import { oneOf } from '../shared/core/schema';
import type { Invocation } from '../shared/installation/invocation';
import { CreateSchema, parseCreateRequest } from '../shared/tasks/create-request';
import { createOnce } from '../shared/tasks/idempotency';
import { recordTask } from '../shared/tasks/task-index';
import { withNoteIfNeeded } from '../shared/tasks/task-note';
import { lastValues, parse } from '../shared/validation';
import { expectedPictures, pictureOfSyncTask } from '../shared/views/pictures';

/** Neither another value nor a misspelt name (`?dry-run=true`) must create a task: tasks cost money. */
const Query = z.strictObject({ dry_run: z.optional(oneOf('true', 'false')) });

/** The clocks of MPC and of this function differ by less than this: an assumption. */
const CLOCKS_DIFFER_BY_MS = 60_000;

/** `POST /snapshots`: creates a snapshot task. */
export const handler = async (event: unknown, context: FunctionContext): Promise<ApiResponse> =>
  answer(event, context, async (request, invocation) => {
    // The connection opens while the request is checked.
    connect(invocation.settings.mpcEndpoint);
    const json = request.json();
    const body = parseCreateRequest(json, invocation.settings);
    const { dry_run } = parse(Query, lastValues(request.query));
    if (dry_run === 'true') return dryRun(body);
    // The record of the task goes there. The connection opens while MPC works.
    connectToBucket(invocation.settings.snapshotBucket, invocation);
    const key = request.headers['idempotency-key'];
    const startedAtMs = Date.now();
    const created = await (key === undefined
      ? createTask(withNoteIfNeeded(body), invocation)
      : createOnce(key, request.caller, body, parse(CreateSchema, json), invocation)
    ).catch((error: unknown) => {
      throw mayExist(error, startedAtMs, key !== undefined);
    });
    if (created.task_id) {
      await recordTask({ bucket: body.input.bucket, key: body.input.object }, created.task_id, invocation);
    }
    return jsonResponse(
      202,
      body.sync === 1 ? syncAnswer(created, body, invocation) : { task_id: created.task_id },
    );
  });

/** A call without an answer may have created a task: the error says how to find it. */
function mayExist(error: unknown, startedAtMs: number, hasKey: boolean): unknown {
  const isOpen =
    error instanceof ServiceTimedOut || (error instanceof ServiceUnavailable && error.mayHaveArrived);
  if (!isOpen || error.service !== 'MPC') return error;
  const { status, code, message } = toApiError(error);
  const reason = message.replace(/; try again$/, '');
  const since = mpcTime(startedAtMs - CLOCKS_DIFFER_BY_MS);
  return new ApiError(
    status,
    code,
    hasKey
      ? `${reason}; the task may exist: repeat the request with the same Idempotency-Key to find it`
      : `${reason}; the task may exist: look for it with GET /snapshots?start_time=${since} before you create another one. A request with an Idempotency-Key can be repeated safely`,
  );
}

function dryRun(body: CreateTaskBody): ApiResponse {
  return jsonResponse(200, {
    request: withNoteIfNeeded(body),
    pictures: expectedPictures(body.thumbnail_para),
  });
}

/** A synchronous task has its picture at once. If it has none, MPC gives the reason in `description`. */
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
