import type { Invocation } from '../installation/invocation';
import { putRecord } from '../installation/records';
import type { Video } from '../tasks/removals';
import { unwrapUserData } from '../tasks/task-note';
import { tasksOfVideo } from './belongings';

/*
 * A task that failed counts as its upload's task: another one would fail, too. But it may have failed because the video was gone
 * when MPC opened it. If such a video comes back as it was, it needs another task.
 */

/**
 * Releases the claims of uploads whose tasks failed: if the sweep or an event finds the video, it is captured again.
 * @returns whether there were any
 * @throws what OBS throws
 */
export async function releaseFailed(video: Video, invocation: Invocation): Promise<boolean> {
  const { begun, ended } = await tasksOfVideo(video, invocation);
  const failed = ended.filter(({ status }) => status === 'FAILED');
  let isAny = false;
  for (const { objectKey, isUpload, ...record } of begun) {
    if (!isUpload || objectKey === undefined || record.state === 'released') continue;
    const { task_id, claim } = record;
    const task = failed.find((one) =>
      // A claim that is only half written has no id yet.
      task_id === undefined ? unwrapUserData(one.user_data).note.claim === claim : one.task_id === task_id,
    );
    if (task === undefined) continue;
    await putRecord(objectKey, { ...record, state: 'released', task_id: task.task_id }, invocation);
    isAny = true;
  }
  return isAny;
}
