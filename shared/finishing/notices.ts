import * as z from 'zod/mini';
import { timeOfMpc } from '../cloud/mpc';
import { sendWebhook } from '../cloud/webhook';
import { describeFailure } from '../core/errors';
import { inParallel } from '../core/in-parallel';
import { isoTime } from '../core/iso-time';
import { integer, optionalText, text } from '../core/schema';
import type { FinishInvocation } from '../installation/finish-settings';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { deleteRecord, digest, getRecordAs, listRecordPage, putRecord } from '../installation/records';
import { isLoopback } from '../installation/settings';
import { captureOf } from '../tasks/ownership';
import type { TaskResult } from '../tasks/results';
import { objectUrl } from '../views/pictures';
import type { PublishedFiles } from '../views/published-files';

/*
 * A waiting notice is an object whose name begins with its due time, so that a listing shows the earliest
 * first. It is deleted when the receiver has it. Delivery is at least once: a crash between the two sends it again.
 */

const NOTICES_FOLDER = `${RECORDS_FOLDER}notices/`;
const MINUTE_MS = 60_000;
/** The pause after each failed attempt. */
const PAUSES_MS = [1, 5, 30, 120, 300, 600, 1440].map((minutes) => minutes * MINUTE_MS);
/** A hanging receiver takes 10 s of the invocation. */
const MIN_TIME_FOR_AN_ATTEMPT_MS = 12_000;
/**
 * The one instance of on-finish writes files too: while it waits for a receiver, files of other videos wait. A receiver
 * that takes longer than this to answer gets its notices from the timer only, until it was quick again for a while.
 */
const SLOW_ANSWER_MS = 2_000;
const LEFT_TO_TIMER_MS = 90_000;
/** An attempt that took so long had no answer. */
const NO_ANSWER_MS = 10_000;
/** No attempt begins later in a run of the timer. */
const MAX_SENDING_MS = 20_000;
const PARALLEL_ATTEMPTS = 8;

const Notice = z.object({
  /** Failed attempts. */
  attempts: integer(0, PAUSES_MS.length),
  id: text,
  type: text,
  timestamp: text,
  data: z.looseObject({}),
  /** Keys in the snapshot bucket. Their addresses are made when the notice is sent. */
  files: z.object({ index: optionalText, track: optionalText, poster: optionalText }),
});
type Notice = z.infer<typeof Notice>;

/** The outcome of the notices that were due. */
export interface NoticeReport {
  sent: number;
  /** Notices that are tried again. */
  failed: number;
  given_up: number;
}

/**
 * Queues the notice of a task's end. Repeating it writes the same.
 * @param task an ended one
 * @throws what OBS throws
 */
export async function queueNotice(
  { task, etag }: TaskResult,
  files: PublishedFiles | undefined,
  invocation: Invocation,
): Promise<void> {
  const type = TYPES[task.status];
  if (type === undefined) return;
  const endedAtMs = timeOfMpc(task.end_time) ?? timeOfMpc(task.create_time) ?? 0;
  const { index, track, poster } = files ?? {};
  const notice: Notice = {
    attempts: 0,
    id: noticeId(type, task.task_id),
    type,
    timestamp: isoTime(endedAtMs),
    data: {
      task_id: task.task_id,
      status: task.status,
      description: task.description,
      capture: captureOf(task, invocation.settings)?.name,
      video: { bucket: task.input?.bucket, key: task.input?.object, etag },
      output: { bucket: task.output?.bucket, directory: task.output?.object },
    },
    files: { index, track, poster },
  };
  await write(endedAtMs, notice, invocation);
}

const TYPES: Readonly<Record<string, string>> = {
  SUCCEEDED: 'snapshots.succeeded',
  FAILED: 'snapshots.failed',
  CANCELED: 'snapshots.cancelled',
};

/** Until when only the timer sends notices, because the receiver was slow, ms since the epoch. */
let leftToTimerUntilMs = 0;

/**
 * Sends the notices that are due, the oldest first. The first attempt without an answer ends the run: the next run
 * of the timer sends the rest.
 * @param isTimer false for a run that MPC's notification started
 * @throws what OBS throws on listing
 */
export async function sendDueNotices(isTimer: boolean, invocation: FinishInvocation): Promise<NoticeReport> {
  const report: NoticeReport = { sent: 0, failed: 0, given_up: 0 };
  if (invocation.settings.notify === undefined) return report;
  if (!isTimer && Date.now() < leftToTimerUntilMs) return report;
  const beginUntilMs = Date.now() + (isTimer ? MAX_SENDING_MS : SLOW_ANSWER_MS);
  let isAnswering = true;
  const { objects } = await listRecordPage({ prefix: NOTICES_FOLDER }, invocation);
  const due = objects.map(({ key }) => key).filter((key) => dueAtMs(key) <= Date.now());
  await inParallel(due, PARALLEL_ATTEMPTS, async (key) => {
    // The next run sends the rest.
    if (!isAnswering || Date.now() > beginUntilMs) return;
    if (remainingMs(invocation) <= MIN_TIME_FOR_AN_ATTEMPT_MS) return;
    const beganMs = Date.now();
    try {
      const outcome = await sendNotice(key, invocation);
      if (outcome) report[outcome]++;
    } catch (error) {
      invocation.log.error('notice.failed', { key, ...describeFailure(error) });
      report.failed++;
    }
    const tookMs = Date.now() - beganMs;
    if (tookMs > SLOW_ANSWER_MS) leftToTimerUntilMs = Date.now() + LEFT_TO_TIMER_MS;
    if (tookMs >= NO_ANSWER_MS) isAnswering = false;
  });
  return report;
}

/** The keys of unsent notices about these tasks. @throws what OBS throws */
export async function waitingNotices(
  taskIds: readonly string[],
  invocation: FinishInvocation,
): Promise<string[]> {
  if (invocation.settings.notify === undefined || taskIds.length === 0) return [];
  const ids = taskIds.flatMap((id) => Object.values(TYPES).map((type) => noticeId(type, id)));
  const endings = new Set(ids.map((id) => `-${id}.json`));
  const { objects } = await listRecordPage({ prefix: NOTICES_FOLDER }, invocation);
  return objects.flatMap(({ key }) => (endings.has(key.slice(NOTICES_FOLDER.length + 14)) ? [key] : []));
}

function noticeId(type: string, taskId: string): string {
  return `msg_${digest(type, taskId)}`;
}

async function sendNotice(
  key: string,
  invocation: FinishInvocation,
): Promise<keyof NoticeReport | undefined> {
  const { settings, log } = invocation;
  const { notify, snapshotBucket } = settings;
  const notice = await getRecordAs(Notice, key, invocation);
  if (!notify || !notice) return undefined;
  const { id, type, timestamp, data, attempts } = notice;
  const { index, track, poster } = notice.files;
  const addressOf = (file: string | undefined) => file && objectUrl(snapshotBucket, file, invocation);
  const body = JSON.stringify({
    type,
    timestamp,
    data: { ...data, index: addressOf(index), track: addressOf(track), poster: addressOf(poster) },
  });
  const fields = { notice: id, type, task_id: data.task_id, attempt: attempts + 1 };
  const failure = await attemptNotice({ id, body }, notify, invocation);
  if (!failure) {
    await deleteRecord(key, invocation);
    log.info('notice.sent', fields);
    return 'sent';
  }
  const pauseMs = PAUSES_MS[attempts];
  if (pauseMs === undefined) {
    log.error('notice.given_up', { ...fields, ...failure });
    await deleteRecord(key, invocation);
    return 'given_up';
  }
  log.warn('notice.not_sent', { ...fields, ...failure, again_after_ms: pauseMs });
  await write(Date.now() + pauseMs, { ...notice, attempts: attempts + 1 }, invocation);
  await deleteRecord(key, invocation);
  return 'failed';
}

/** @returns the failure; undefined when the receiver has it */
async function attemptNotice(
  message: { id: string; body: string },
  { url, secrets }: { url: string; secrets: readonly string[] },
  { deadlineMs, settings }: Invocation,
): Promise<Record<string, unknown> | undefined> {
  try {
    const status = await sendWebhook(url, message, secrets, isLoopback(settings.obsEndpoint), deadlineMs);
    return status >= 200 && status <= 299 ? undefined : { status };
  } catch (error) {
    return describeFailure(error);
  }
}

async function write(dueMs: number, notice: Notice, invocation: Invocation): Promise<void> {
  const key = `${NOTICES_FOLDER}${String(dueMs).padStart(14, '0')}-${notice.id}.json`;
  await putRecord(key, notice, invocation);
}

function dueAtMs(key: string): number {
  return Number(/(\d{14})-[^/]*$/.exec(key)?.[1] ?? Number.NaN);
}
