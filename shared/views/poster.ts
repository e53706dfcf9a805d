import { type ListedObject, listFolder } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { pictureKey, type TaskWithPictures } from './pictures';

/**
 * The best picture for a cover. Videos fade in from black and fade out to black: the picture at a third of the video is
 * preferred, then its neighbours, then the last one, and the first one comes last. Of these the first that is not nearly
 * empty is taken: a black, white or plain frame makes a JPEG of less than half the usual size of its task. Sizes come from
 * a listing; no picture is fetched.
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

/** As `choosePoster`, with a listing of the pictures' folder. */
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

/** The preference of a picture: lower is better. */
function rank(index: number, count: number): number {
  if (index === 0) return count + 1;
  return index === count - 1 ? count : Math.abs(index - Math.ceil((count - 1) / 3));
}
