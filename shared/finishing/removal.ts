import * as z from 'zod/mini';
import { findObject } from '../cloud/obs';
import { describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import { inParallel } from '../core/in-parallel';
import { flag, integer, text, wholeNumber } from '../core/schema';
import type { FinishInvocation } from '../installation/finish-settings';
import { remainingMs, within } from '../installation/invocation';
import { isOwnOutput, RECORDS_FOLDER } from '../installation/object-keys';
import { deleteRecord, getRecord, getRecordAs, listRecordPage, putRecord } from '../installation/records';
import { CLAIMS_FOLDER, ClaimRecord, claimsFolder } from '../tasks/claim-record';
import { ClaimInFlight } from '../tasks/claims';
import {
  type NotedRemoval,
  noteRemoval,
  REMOVED_FOLDER,
  removalKey,
  removalMark,
  type Video,
} from '../tasks/removals';
import { isRecordKey, isResultKey, pointerKey } from '../tasks/results';
import { listRecords } from '../tasks/task-index';
import { haveEnded } from '../tasks/versions';
import { inLine, remember } from '../tasks/waiting';
import { objectsOfVideo, tasksOfVideo, type VideoTasks, withTasksOfMpc } from './belongings';
import { releaseFailed } from './failed-claims';
import { markKey } from './finish-mark';
import { waitingNotices } from './notices';

/*
 * With ON_REMOVAL=delete the pictures, files and records of a video are deleted when the video is gone. Events note which video
 * to check. Events can be lost, and OBS sends none when a lifecycle rule deletes: so every video with records
 * is checked once a week, a part of them in each run.
 *
 * The order for one video: write the mark, check that the video is gone, stop its tasks, delete objects, delete records. Claims
 * are released before the first object is deleted: if the video comes back halfway, it is captured again.
 */

/** Why a noted video was not removed, or not yet. */
export type KeptReason = 'video_is_there' | 'task_at_work' | 'out_of_time';

/** The outcome of one run. */
export interface RemovalReport {
  /** Videos whose pictures, files and records were all deleted, and how many objects and records that were. */
  videos: number;
  objects: number;
  records: number;
  /** Of these videos: found by an event, and by the weekly check. */
  by_event: number;
  by_look: number;
  /** Noted videos that were not removed. */
  kept: Record<KeptReason, number>;
  /** Directories whose objects were left, because another video has the same directory. */
  shared_directories: number;
  /** The next run tries these again. */
  failed: number;
  /** Videos that the weekly check looked at. */
  looked_at: number;
}

/** What a dry run would remove. */
export interface RemovalPlan {
  looked_at: number;
  videos: number;
  objects: number;
  records: number;
  shared_directories: number;
  /** The first of these videos. */
  would_remove: readonly (Video & { objects: number; records: number })[];
  complete: boolean;
  /** `from` of the next dry run, if this one did not reach the end. */
  next?: string;
}

/** MPC's notifications must not wait longer than this. */
const MAX_DURATION_MS = 30_000;
const MAX_LOOK_MS = 10_000;
const MAX_DRY_RUN_MS = 100_000;
const MIN_TIME_FOR_A_VIDEO_MS = 5_000;
const PARALLEL_VIDEOS = 4;
const PARALLEL_LOOKS = 16;
const PARALLEL_DELETES = 8;
const WEEK_MS = 7 * 24 * 3_600_000;
const MAX_PLANNED = 100;
const OBJECT_KEY = `${RECORDS_FOLDER}removal.json`;
/** Names of folders begin with so many hexadecimal digits of a hash. They are the position of the weekly check. */
const DIGITS = 8;
const PLACES = 16 ** DIGITS;

const WeeklyCheck = z.object({
  /** The position of the weekly check, and the time up to which it has done its part. */
  place: integer(0, PLACES),
  done_until_ms: wholeNumber,
});
type WeeklyCheck = z.infer<typeof WeeklyCheck>;

const Noted = z.object({ bucket: text, key: text, found: flag });

/** A claim and the mark of a removal name their video themselves; a result names it in its task. */
const OfVideo = z.object({ bucket: text, key: text });
const OfTask = z.object({ task: z.object({ input: z.object({ bucket: text, object: text }) }) });

/**
 * Deletes the pictures, files and records of videos that are gone.
 * @param isWhole checks every video with records, in this run and the following ones
 * @throws what OBS throws on listing
 */
export async function removeGone(isWhole: boolean, invocation: FinishInvocation): Promise<RemovalReport> {
  const bounded = within(MAX_DURATION_MS, invocation);
  const report: RemovalReport = {
    videos: 0,
    objects: 0,
    records: 0,
    by_event: 0,
    by_look: 0,
    kept: { video_is_there: 0, task_at_work: 0, out_of_time: 0 },
    shared_directories: 0,
    failed: 0,
    looked_at: 0,
  };
  await lookOn(isWhole, report, bounded);
  const { objects } = await listRecordPage({ prefix: REMOVED_FOLDER }, bounded);
  await inParallel(objects, PARALLEL_VIDEOS, async ({ key: recordKey }) => {
    if (remainingMs(bounded) < MIN_TIME_FOR_A_VIDEO_MS) report.kept.out_of_time++;
    else await removeNoted(recordKey, report, bounded);
  });
  return report;
}

/** Reports what would be deleted of all videos with records, and deletes nothing. @param from `next` of an earlier run */
export async function planRemoval(from: string, invocation: FinishInvocation): Promise<RemovalPlan> {
  const bounded = within(MAX_DRY_RUN_MS, invocation);
  const plan = { looked_at: 0, videos: 0, objects: 0, records: 0, shared_directories: 0 };
  const wouldRemove: (Video & { objects: number; records: number })[] = [];
  const end = await lookThrough(placeOf(CLAIMS_FOLDER + from), PLACES, bounded, async (video) => {
    plan.looked_at++;
    if (await isThere(video, bounded)) return;
    const tasks = await tasksOfVideo(video, bounded);
    const { keys, shared } = await objectsOfVideo(video, tasks, bounded);
    plan.videos++;
    plan.objects += keys.length;
    plan.records += tasks.records.length;
    plan.shared_directories += shared.length;
    if (wouldRemove.length < MAX_PLANNED) {
      wouldRemove.push({ ...video, objects: keys.length, records: tasks.records.length });
    }
  });
  const isComplete = end >= PLACES;
  return {
    ...plan,
    would_remove: wouldRemove,
    complete: isComplete,
    ...(!isComplete && { next: placeName(end) }),
  };
}

async function removeNoted(
  recordKey: string,
  report: RemovalReport,
  invocation: FinishInvocation,
): Promise<void> {
  const { log } = invocation;
  let video: NotedRemoval | undefined;
  try {
    video = await getRecordAs(Noted, recordKey, invocation);
    if (!video || !(await isToBeLookedAt(video, invocation))) {
      await deleteRecord(recordKey, invocation);
      return;
    }
    const end = await removeVideo(video, report, invocation);
    if (end) {
      report.kept[end]++;
      const { bucket, key } = video;
      log.info('video.kept', { bucket, key, reason: end });
      return;
    }
    report.videos++;
    report[video.found ? 'by_look' : 'by_event']++;
  } catch (error) {
    report.failed++;
    const { bucket, key } = video ?? {};
    log.error('video.not_removed', { bucket, key, ...describeFailure(error) });
  }
}

/** Settings may have changed since the note, and nobody knows who wrote the record. */
function mayBeRemoved({ bucket, key }: Video, { settings }: FinishInvocation): boolean {
  return settings.uploadBuckets.includes(bucket) && !isOwnOutput(bucket, key, settings);
}

/** True for a video with records, and for one that is back. */
async function isToBeLookedAt(video: Video, invocation: FinishInvocation): Promise<boolean> {
  return (
    mayBeRemoved(video, invocation) &&
    ((await listRecords(video.bucket, video.key, invocation)).length > 0 ||
      (await isThere(video, invocation)))
  );
}

async function isThere({ bucket, key }: Video, invocation: FinishInvocation): Promise<boolean> {
  return (await findObject(bucket, key, invocation)) !== undefined;
}

/** @returns why it was not removed; undefined when everything is deleted */
async function removeVideo(
  video: Video,
  report: RemovalReport,
  invocation: FinishInvocation,
): Promise<KeptReason | undefined> {
  const { bucket, key } = video;
  const endRemoval = () => deleteRecord(removalMark(video), invocation);
  const forget = () => deleteRecord(removalKey(video), invocation);
  // Where versions are kept, an older one may be back, without an event of its creation.
  const lookAgain = () => remember(inLine(video, Date.now(), invocation), invocation);
  // Written late, after its removal, the mark is all that is left: it names the video, so that the weekly check finds it.
  await putRecord(removalMark(video), { bucket, key }, invocation);
  if (await isThere(video, invocation)) {
    await endRemoval();
    // It may be back as it was, without an event of its creation: a task that failed meanwhile found no video.
    await releaseFailed(video, invocation);
    await lookAgain();
    await forget();
    return 'video_is_there';
  }
  if (!(await haveStopped(video, await tasksOfVideo(video, invocation), invocation))) {
    await endRemoval();
    return 'task_at_work';
  }
  const tasks = await withTasksOfMpc(await tasksOfVideo(video, invocation), invocation);
  await release(tasks, invocation);
  const own = await objectsOfVideo(video, tasks, invocation);
  const ids = [...tasks.ended.map(({ task_id }) => task_id), ...tasks.unknown];
  const notices = await waitingNotices(ids, invocation);
  // The mark is deleted last.
  const records = tasks.records.map((record) => record.key).filter((name) => name.endsWith('.json'));
  const steps: readonly (readonly string[])[] = [
    own.keys,
    [...notices, ...ids.flatMap((id) => [pointerKey(id), markKey(id)])],
    // After an interruption the results still give the names of pictures, and the claims the video: they are deleted last.
    records.filter(isResultKey),
    records.filter(isRecordKey),
  ];
  for (const keys of steps) {
    if (!(await deleteAll(keys, invocation))) return 'out_of_time';
  }
  await endRemoval();
  // An upload of this video that came meanwhile had to wait.
  if (await isThere(video, invocation)) await lookAgain();
  await forget();
  report.objects += own.keys.length;
  report.records += records.length;
  report.shared_directories += own.shared.length;
  invocation.log.info('video.removed', {
    bucket,
    key,
    objects: own.keys.length,
    records: records.length,
    shared: own.shared,
  });
  return undefined;
}

/** Takes waiting tasks out of MPC's queue. @returns false while one still runs */
async function haveStopped(video: Video, tasks: VideoTasks, invocation: FinishInvocation): Promise<boolean> {
  const known = new Set<string | undefined>(tasks.ended.map(({ task_id }) => task_id));
  const open = tasks.begun.filter(({ task_id }) => !known.has(task_id));
  const anywhere = { bucket: invocation.settings.snapshotBucket, object: '' };
  try {
    return await haveEnded(open, anywhere, video, invocation);
  } catch (error) {
    if (error instanceof ClaimInFlight) return false;
    throw error;
  }
}

/** After this a version that comes back has no task and is captured again. */
async function release({ records }: VideoTasks, invocation: FinishInvocation): Promise<void> {
  for (const { key } of records) {
    if (!isRecordKey(key)) continue;
    const stored = await getRecord(key, invocation);
    const record = z.safeParse(ClaimRecord, stored);
    if (!record.success || record.data.state === 'released') continue;
    await putRecord(key, { ...Object(stored), state: 'released' }, invocation);
  }
}

/** @returns false when the time was too short for all */
async function deleteAll(keys: readonly string[], invocation: FinishInvocation): Promise<boolean> {
  let isTimeLeft = true;
  await inParallel(keys, PARALLEL_DELETES, async (key) => {
    isTimeLeft &&= remainingMs(invocation) > 0;
    if (isTimeLeft) await deleteRecord(key, invocation);
  });
  return isTimeLeft;
}

/** Goes on with the weekly check, as far as its share of the week goes, or to the end. */
async function lookOn(isWhole: boolean, report: RemovalReport, invocation: FinishInvocation): Promise<void> {
  const now = Date.now();
  const stored = await getRecordAs(WeeklyCheck, OBJECT_KEY, invocation);
  const { place, done_until_ms } = stored ?? { place: 0, done_until_ms: now };
  // As if a week had passed: the check goes once round from here.
  const doneUntilMs = isWhole ? now - WEEK_MS : Math.max(done_until_ms, now - WEEK_MS);
  const until = place + Math.floor(((now - doneUntilMs) / WEEK_MS) * PLACES);
  const looking = within(MAX_LOOK_MS, invocation);
  const look = async (from: number, to: number) =>
    from >= to
      ? to
      : lookThrough(from, to, looking, async (video) => {
          report.looked_at++;
          if (!(await isThere(video, looking))) await noteRemoval({ ...video, found: 1 }, looking);
        });
  let reached = await look(place, Math.min(until, PLACES));
  if (reached === PLACES) reached += await look(0, until - PLACES);
  const doneMs = Math.floor(((reached - place) / PLACES) * WEEK_MS);
  const progress: WeeklyCheck = {
    place: reached % PLACES,
    done_until_ms: Math.min(now, doneUntilMs + doneMs),
  };
  await putRecord(OBJECT_KEY, progress, invocation);
}

/**
 * Visits the videos with records, in the order of their folders' names.
 * @returns the position that it reached: `to`, or an earlier one when no time was left
 */
async function lookThrough(
  from: number,
  to: number,
  invocation: FinishInvocation,
  visit: (video: Video) => Promise<void>,
): Promise<number> {
  let marker = `${CLAIMS_FOLDER}${placeName(from)}`;
  let last = '';
  for (;;) {
    const page = await listRecordPage({ prefix: CLAIMS_FOLDER, marker }, invocation);
    const folders = new Map<string, string[]>();
    for (const { key } of page.objects) {
      const folder = key.slice(0, key.lastIndexOf('/'));
      if (folder === last || placeOf(folder) >= to) continue;
      const keys = folders.get(folder);
      if (keys === undefined) folders.set(folder, [key]);
      else keys.push(key);
    }
    for (const group of groupsOf([...folders], PARALLEL_LOOKS)) {
      for (const [folder] of group) {
        if (remainingMs(invocation) < MIN_TIME_FOR_A_VIDEO_MS) return placeOf(folder);
        last = folder;
      }
      await Promise.all(
        group.map(async ([, keys]) => {
          const video = await videoOf(keys, invocation);
          if (video && mayBeRemoved(video, invocation)) await visit(video);
        }),
      );
    }
    if (page.nextMarker === undefined || placeOf(page.nextMarker) >= to) return to;
    marker = page.nextMarker;
  }
}

/** The video of a folder of records: from the first record that names a video to which the folder belongs. */
async function videoOf(keys: readonly string[], invocation: FinishInvocation): Promise<Video | undefined> {
  for (const recordKey of keys) {
    const stored = await getRecord(recordKey, invocation);
    const claim = z.safeParse(OfVideo, stored);
    const result = z.safeParse(OfTask, stored);
    const { input } = result.data?.task ?? {};
    const video = claim.data ?? (input && { bucket: input.bucket, key: input.object });
    if (video && recordKey.startsWith(claimsFolder(video.bucket, video.key))) return video;
  }
  return undefined;
}

/** The position of a key or a folder among the claims. */
function placeOf(key: string): number {
  return Number.parseInt(key.slice(CLAIMS_FOLDER.length).slice(0, DIGITS), 16) || 0;
}

function placeName(place: number): string {
  return place.toString(16).padStart(DIGITS, '0');
}
