import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { type Picture, SnapshotClient, TooManyRequestsError } from '../../client/src';
import type { Cloud } from '../cloud';
import type { Invocation } from '../functiongraph/functiongraph';
import type { Task } from '../mpc/task-book';
import { parseJson } from '../parse-json';

/** The outcome of an upload. */
export type Outcome =
  | { kind: 'frames'; taskId: string; pictures: Picture[]; note: string | undefined }
  | { kind: 'failed'; taskId: string; reason: string }
  | { kind: 'not-started'; reason: string };

const Report = z.object({
  records: z.array(
    z.object({
      key: z.string().optional(),
      started: z.string().optional(),
      skipped: z.string().optional(),
      task_id: z.string().optional(),
    }),
  ),
});
const Failure = z.object({ errorMessage: z.string() });

/**
 * Follows an upload from its event to its frames.
 * @param onStep called with a description of each step
 */
export async function waitForOutcome(
  key: string,
  cloud: Cloud,
  onStep: (text: string) => void,
): Promise<Outcome> {
  const started = await startOfCapture(key, cloud, onStep);
  if ('reason' in started) return { kind: 'not-started', reason: started.reason };
  const task = await endOfTask(started.taskId, cloud, onStep);
  if (task.status !== 'SUCCEEDED') {
    return { kind: 'failed', taskId: task.id, reason: task.description ?? `it is ${task.status}` };
  }
  const client = new SnapshotClient({ endpoint: cloud.addresses.gateway });
  const { thumbnail_info: pictures = [] } = await whenAllowed(
    () => client.get(task.id),
    () => onStep("waits: MPC's calls of this minute are used up"),
  );
  return { kind: 'frames', taskId: task.id, pictures, note: task.description };
}

/** What a call gives once the limit of calls allows it: with many short videos, a minute's calls are soon used up. */
export async function whenAllowed<T>(call: () => Promise<T>, onWait: () => void): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TooManyRequestsError)) throw error;
      onWait();
      await wait((error.retryAfterSeconds ?? 1) * 1000);
    }
  }
}

/**
 * Resolves when on-upload reports the upload, or when a task for it appears: if the event is lost, the sweep starts the
 * task.
 */
function startOfCapture(
  key: string,
  { functiongraph, mpc, uploadBucket }: Cloud,
  onStep: (text: string) => void,
): Promise<{ taskId: string } | { reason: string }> {
  return new Promise((resolve) => {
    const end = (result: { taskId: string } | { reason: string }) => {
      stopInvocations();
      stopTasks();
      resolve(result);
    };
    const stopInvocations = functiongraph.onInvocation((invocation) => {
      if (invocation.functionName !== 'on-upload') return;
      const result = readResult(key, invocation);
      if (result === 'retrying') onStep('on-upload failed and will be tried again');
      else if (result !== undefined) end(result);
    });
    // Tasks of an earlier process may still run for an earlier upload of this key.
    const earlier = new Set(mpc.tasks.list().map(({ id }) => id));
    const stopTasks = mpc.tasks.onChange(({ id, input }) => {
      if (input.bucket === uploadBucket && input.object === key && !earlier.has(id)) end({ taskId: id });
    });
  });
}

function readResult(
  key: string,
  { state, outcome }: Invocation,
): { taskId: string } | { reason: string } | 'retrying' | undefined {
  if (outcome === undefined) return undefined;
  const body = parseJson(outcome.body);
  if (state === 'succeeded') {
    const record = Report.safeParse(body).data?.records.find((candidate) => candidate.key === key);
    const taskId = record?.started ?? record?.task_id;
    if (taskId !== undefined) return { taskId };
    return record?.skipped === undefined ? undefined : { reason: skipInWords(record.skipped, key) };
  }
  // Uploads are followed one at a time, so a failed invocation is about this one.
  if (state === 'retrying') return 'retrying';
  const failure = Failure.safeParse(body).data?.errorMessage ?? outcome.body;
  return state === 'failed' || state === 'discarded' ? { reason: failure } : undefined;
}

/** The number of frames in words. */
export function framesInWords(count: number): string {
  return `${count} ${count === 1 ? 'frame' : 'frames'}`;
}

/** Explains the reasons to skip an upload that a user's own video may meet. */
function skipInWords(reason: string, key: string): string {
  if (reason === 'empty') return 'the file is empty (0 bytes): was it copied or downloaded to its end?';
  if (reason === 'no_capture') return 'none of the captures in the setting CAPTURES takes it';
  if (reason !== 'not_a_video') return reason.replaceAll('_', ' ');
  const ending = path.posix.extname(key);
  const found = ending === '' ? 'its name has no ending' : `its ending is ${ending}`;
  return `not a video by its name: ${found}; the setting UPLOAD_SUFFIXES lists the endings of videos`;
}

function endOfTask(taskId: string, { mpc }: Cloud, onStep: (text: string) => void): Promise<Task> {
  return new Promise((resolve) => {
    const look = (task: Task | undefined): boolean => {
      if (task?.id !== taskId) return false;
      onStep(`task ${task.id} ${task.status.toLowerCase()}, ${framesInWords(task.pictures.length)}`);
      if (task.endedAtMs === undefined) return false;
      resolve(task);
      return true;
    };
    if (look(mpc.tasks.get(taskId))) return;
    const stop = mpc.tasks.onChange((task) => {
      if (look(task)) stop();
    });
  });
}
