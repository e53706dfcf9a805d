import * as z from 'zod/mini';
import type { Task } from '../cloud/mpc';
import { getBytes, getJson } from '../cloud/obs';
import { ServiceRefused } from '../core/errors';
import { text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { PUBLISHED_FILES, pictureKey, pictureUrl } from './pictures';

/** Names the task that wrote the files beside the pictures last. */
const Index = /* @__PURE__ */ z.object({ task_id: text });

/** A track, or whether there may be one later. The index is written last: once it exists, no more files come. */
export type SpriteTrack = { track: string; mayCome?: undefined } | { track?: undefined; mayCome: boolean };

/**
 * The sprite track that was published beside a task's pictures, with the full addresses of its sheets.
 * @returns no track if PUBLISH had no `sprite` when the task ended, or if another task has written there since
 * @throws what OBS throws
 */
export async function spriteTrack({ task_id, output }: Task, invocation: Invocation): Promise<SpriteTrack> {
  const { snapshotBucket } = invocation.settings;
  if (output?.bucket !== snapshotBucket) return { mayCome: false };
  const [track, index] = await Promise.all([
    getBytes(snapshotBucket, pictureKey(output, PUBLISHED_FILES.sprite), invocation).catch(
      (error: unknown) => {
        if (error instanceof ServiceRefused && error.status === 404) return undefined;
        throw error;
      },
    ),
    getJson(snapshotBucket, pictureKey(output, PUBLISHED_FILES.index), invocation),
  ]);
  const writer = z.safeParse(Index, index).data?.task_id;
  if (track === undefined || (writer ?? task_id) !== task_id) return { mayCome: writer !== task_id };
  const addressed = track
    .toString()
    .replace(
      /^(?:\S{0,2000}\/)?(sprite-\d{1,4}\.jpg)(#xywh=[\d,]{1,40})$/gm,
      (_, name: string, area: string) => `${pictureUrl(output, name, invocation)}${area}`,
    );
  return { track: addressed };
}
