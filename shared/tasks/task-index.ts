import { mpcTime, parseTask, type Task } from '../cloud/mpc';
import type { ListedObject } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { getRecordAs, listRecordsIn } from '../installation/records';
import { ClaimRecord, claimKey, claimsFolder } from './claim-record';
import { completeClaim } from './claims';
import { directoryOf, isOfThisStage } from './ownership';
import { isRecordKey, isResultKey, readResult, resultKeyOf, type TaskResult } from './results';

/**
 * Of one video at most so many tasks of uploads and so many of callers are read. The newest ones matter, and callers'
 * tasks must not hide those of uploads.
 */
const MAX_CLAIMS_READ = 20;
/** Claims of uploads have a digest as name, tasks of callers their id. */
const OF_UPLOAD = /\/[0-9a-f]{40}(\.\d{1,4})?(\.result)?\.json$/;

/** True for the key of a record or result of an upload's task. */
export function isKeyOfUpload(key: string): boolean {
  return OF_UPLOAD.test(key);
}

/**
 * Records a task that was created without a claim, so that it is found by the video's key. A failure is only logged: the
 * task exists, and an error would make the caller create another one.
 */
export async function recordTask(
  video: { bucket: string; key: string },
  taskId: string,
  invocation: Invocation,
): Promise<void> {
  const claim = { ...video, id: taskId, objectKey: claimKey(video, taskId) };
  await completeClaim(claim, { task_id: taskId }, { claimed_at_ms: Date.now() }, invocation);
}

/** All records of a video and their results, the newest first. @throws what OBS throws */
export async function listRecords(
  bucket: string,
  key: string,
  invocation: Invocation,
): Promise<ListedObject[]> {
  const records = await listRecordsIn(claimsFolder(bucket, key), invocation);
  return records.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs);
}

/** A function has little memory: no more than so many bytes of records are read at once, and so many pictures are kept. */
const MAX_BYTES_AT_ONCE = 2_000_000;
const MAX_PICTURES_KEPT = 40_000;

/**
 * The results among a video's records, one after the other. Each may have tens of thousands of pictures: nobody should keep
 * them all.
 * @throws what OBS throws
 */
export async function* resultsIn(
  records: readonly ListedObject[],
  invocation: Invocation,
): AsyncGenerator<TaskResult & { resultKey: string }> {
  for (const { key: resultKey } of records) {
    const result = isResultKey(resultKey) ? await readResult(resultKey, invocation) : undefined;
    if (result !== undefined) yield { ...result, resultKey };
  }
}

/**
 * The kept results of the same video's tasks that wrote into the same directory, the newest first.
 * @param isWanted chooses by the key of the result
 * @throws what OBS throws
 */
export async function* resultsBeside(
  task: Task,
  invocation: Invocation,
  isWanted = (_key: string) => true,
): AsyncGenerator<TaskResult> {
  const { bucket, object: key } = task.input ?? {};
  if (bucket === undefined || key === undefined) return;
  const records = await listRecords(bucket, key, invocation);
  const wanted = records.filter((record) => isWanted(record.key));
  for await (const one of resultsIn(wanted, invocation))
    if (directoryOf(one.task) === directoryOf(task)) yield one;
}

/** A task without some of its pictures. */
export type ShortenedTask = Task & { pictures_total?: number };

/** A task of a video: its kept result, or what was recorded when it was created. */
export type RecordedTask = { result: TaskResult & { task: ShortenedTask } } | { known: Task; asOfMs: number };

/**
 * The newest tasks of this installation for a video, and how many older ones were not read. Of very many pictures only the
 * first of each task are kept. Makes no call to MPC.
 * @throws what OBS throws
 */
export async function recordsOfVideo(
  bucket: string,
  key: string,
  invocation: Invocation,
): Promise<{ recorded: RecordedTask[]; leftOut: number }> {
  const objects = await listRecords(bucket, key, invocation);
  const sizes = new Map(objects.map((object) => [object.key, object.sizeBytes]));
  const all = objects.filter((object) => isRecordKey(object.key));
  const isOfUpload = (object: ListedObject) => isKeyOfUpload(object.key);
  const newest = [
    ...all.filter(isOfUpload).slice(0, MAX_CLAIMS_READ),
    ...all.filter((object) => !isOfUpload(object)).slice(0, MAX_CLAIMS_READ),
  ];
  const read = async (object: ListedObject): Promise<RecordedTask | undefined> => {
    const resultKey = resultKeyOf(object.key);
    if (sizes.has(resultKey)) {
      const result = await readResult(resultKey, invocation);
      if (result !== undefined) return { result };
    }
    const record = await getRecordAs(ClaimRecord, object.key, invocation);
    if (record?.task_id === undefined) return undefined;
    const { task_id, claimed_at_ms, answer, folder } = record;
    if (!isOfThisStage({}, folder, invocation.settings)) return undefined;
    const known = parseTask({
      status: 'WAITING',
      create_time: mpcTime(claimed_at_ms),
      input: { bucket, object: key },
      ...Object(answer),
      task_id,
    });
    return known && { known, asOfMs: claimed_at_ms };
  };
  const recorded: RecordedTask[] = [];
  // Few tasks may keep all their pictures, and of many each one keeps some.
  const share = Math.floor(MAX_PICTURES_KEPT / newest.length);
  let left = MAX_PICTURES_KEPT;
  for (const group of groupsWithin(newest, ({ key: name }) => sizes.get(resultKeyOf(name)) ?? 0)) {
    for (const record of await Promise.all(group.map(read))) {
      if (record === undefined) continue;
      if ('result' in record) left -= shorten(record.result.task, Math.max(left, share));
      recorded.push(record);
    }
  }
  return { recorded, leftOut: all.length - newest.length };
}

/** Groups of records that are read at once. One that is larger comes alone. */
function* groupsWithin(
  records: readonly ListedObject[],
  bytesOf: (record: ListedObject) => number,
): Generator<ListedObject[]> {
  let group: ListedObject[] = [];
  let bytes = 0;
  for (const record of records) {
    bytes += bytesOf(record);
    if (bytes > MAX_BYTES_AT_ONCE && group.length > 0) {
      yield group;
      group = [];
      bytes = bytesOf(record);
    }
    group.push(record);
  }
  if (group.length > 0) yield group;
}

/** @returns how many pictures the task keeps */
function shorten(task: ShortenedTask, most: number): number {
  const { thumbnail_info: pictures = [] } = task;
  if (pictures.length <= most) return pictures.length;
  task.pictures_total = pictures.length;
  task.thumbnail_info = pictures.slice(0, most);
  return most;
}
