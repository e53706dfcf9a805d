import { type ListedObject, listFolder } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { pictureKey, type TaskWithPictures } from './pictures';

/**
 * The picture that serves best as a cover. Videos fade in from black and out to it: preferred is the picture at a
 * third of all, then its neighbours, then the last one and the very first at last. Among them the first is taken
 * that is not nearly empty: a black, white or plain frame makes a JPEG of less than half the size of what is usual
 * in its task. Sizes come from a listing; no picture is fetched.
 * @returns undefined when no picture has an address
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function choosePoster(
  task: TaskWithPictures,
  invocation: Invocation,
): Promise<{ url: string } | undefined> {
  const pictures = (task.thumbnail_info ?? []).flatMap(({ url }) => url ?? []);
  const [url] = pictures;
  if (url === undefined || pictures.length === 1) return url === undefined ? undefined : { url };
  const { output } = task;
  return posterOf(task, await listFolder(output?.bucket ?? '', pictureKey(output, ''), invocation));
}

/** As `choosePoster`, where the pictures' folder has been listed. */
export function posterOf(
  { output, thumbnail_info = [] }: TaskWithPictures,
  objects: readonly ListedObject[],
): { url: string; key: string } | undefined {
  const pictures = thumbnail_info.flatMap(({ pic_name, url }) =>
    url === undefined ? [] : [{ url, key: pictureKey(output, pic_name) }],
  );
  const ranked = [...pictures.keys()].sort((a, b) => rank(a, pictures.length) - rank(b, pictures.length));
  const best = ranked.flatMap((index) => pictures[index] ?? []);
  const bytes = new Map(objects.map(({ key, sizeBytes }) => [key, sizeBytes]));
  const sizes = best.flatMap(({ key }) => bytes.get(key) ?? []).sort((a, b) => a - b);
  const usual = sizes[sizes.length >> 1] ?? 0;
  return best.find(({ key }) => (bytes.get(key) ?? 0) * 2 >= usual) ?? best[0];
}

/** The lower, the better. */
function rank(index: number, count: number): number {
  if (index === 0) return count + 1;
  return index === count - 1 ? count : Math.abs(index - Math.ceil((count - 1) / 3));
}
