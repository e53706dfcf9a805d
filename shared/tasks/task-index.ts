import * as z from 'zod/mini';
import { getJson, listObjects } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { ClaimRecord, claimsFolder, completeClaim } from './claims';

/** More tasks than these of one video are not looked up: the newest are the ones that matter. */
const MAX_CLAIMS_READ = 20;

/**
 * Remembers a task that was created without a claim, so that it is found by the video's key. The task exists whether
 * or not that succeeds: a failure is logged and never makes the caller create another one.
 */
export async function recordTask(
  video: { bucket: string; key: string },
  taskId: string,
  invocation: Invocation,
): Promise<void> {
  const claim = {
    ...video,
    id: taskId,
    objectKey: `${claimsFolder(video.bucket, video.key)}${taskId}.json`,
  };
  await completeClaim(claim, { task_id: taskId }, Date.now(), invocation);
}

/** The ids of the tasks that capture a video, those recorded last first. */
export async function recordedTasks(bucket: string, key: string, invocation: Invocation): Promise<string[]> {
  const { snapshotBucket } = invocation.settings;
  const { objects } = await listObjects(snapshotBucket, { prefix: claimsFolder(bucket, key) }, invocation);
  const newest = objects.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs).slice(0, MAX_CLAIMS_READ);
  const records = await Promise.all(newest.map((object) => getJson(snapshotBucket, object.key, invocation)));
  return records.flatMap((record) => {
    const parsed = z.safeParse(ClaimRecord, record);
    return parsed.success && parsed.data.task_id !== undefined ? [parsed.data.task_id] : [];
  });
}
