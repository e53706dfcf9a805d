import { randomUUID } from 'node:crypto';
import {
  invalidContentType,
  invalidParameter,
  invalidPath,
  invalidVideoFormat,
  noVideoCodec,
  type ServiceError,
  systemError,
} from '../errors';
import { directoryOf, keyIn, type Sampling } from '../naming';
import type { Operation, Service } from '../operation';
import { presentId, presentOutput } from '../presentation';
import type { ObsLocation } from '../task-book';
import type { TaskFailure } from '../task-runner';
import { parseCreateThumbnailsRequest } from './create-thumbnails-request';
import { isAuthorized } from './list-all-buckets';

/**
 * `POST /v1/{project_id}/thumbnails`: queues a task, or with `sync` = 1 captures the one picture before the answer.
 * Both answer 202, the only documented success.
 */
export const createThumbnailsTask: Operation = async ({ contentType, body }, service) => {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) throw invalidContentType(contentType);
  const { behaviour, clock, runner, tasks } = service;
  const request = parseCreateThumbnailsRequest(body, behaviour);
  checkBucket('input', request.input, service);
  checkBucket('output', request.output, service);

  const { input, sampling, size, tar, userData, fileName } = request;
  const directory = directoryOf(request.output.object);
  const task = tasks.add({
    status: 'WAITING',
    createdAtMs: clock(),
    input,
    output: {
      ...request.output,
      object: request.originalDirectory ? directory : keyIn(directory, randomUUID().replaceAll('-', '')),
    },
    sampling,
    size,
    tar,
    ...(userData === undefined ? {} : { userData }),
    ...(fileName === undefined ? {} : { fileName }),
  });
  const taskId = presentId(task.id, behaviour);
  if (!request.sync) {
    runner.enqueue(task);
    return { status: 202, body: { task_id: taskId } };
  }

  service.notifications.leaveOut(task);
  const failure = await runner.run(task);
  if (failure?.reason === 'no_input') throw invalidPath(failure.message);
  if (failure !== undefined && behaviour.syncFailure === 'error') throw asServiceError(failure);
  return {
    status: 202,
    body: {
      task_id: behaviour.syncTaskId ? taskId : undefined,
      status: task.status,
      output: presentOutput(task.output, behaviour),
      output_file_name: task.outputFileName,
      thumbnail_time: requestedPoint(sampling),
      description: task.description,
    },
  };
};

function checkBucket(field: 'input' | 'output', place: ObsLocation, service: Service): void {
  const { region, store } = service;
  if (place.location !== region) {
    throw invalidPath(`${field}.location is ${place.location}; this MPC serves buckets in ${region} only`);
  }
  if (!store.hasBucket(place.bucket)) {
    throw invalidPath(`${field}.bucket ${place.bucket} does not exist`);
  }
  if (!isAuthorized(place.bucket, service)) {
    throw invalidPath(`${field}.bucket ${place.bucket} is not one that MPC was authorized for`);
  }
}

function requestedPoint(sampling: Sampling): string | undefined {
  if (sampling.type === 'TIME') return undefined;
  const [point] = sampling.type === 'DOTS' ? sampling.seconds : sampling.milliseconds;
  return point === undefined ? undefined : String(point);
}

function asServiceError({ reason, message }: TaskFailure): ServiceError {
  switch (reason) {
    case 'no_video_stream':
      return noVideoCodec(message);
    case 'unreadable':
      return invalidVideoFormat(message);
    case 'past_the_end':
      return invalidParameter(message);
    default:
      return systemError(message);
  }
}
