import { encodeKey } from '../../local/obs/signature';
import type { EmbedAddresses, PublishedFile } from '../server/console-api';

/** The files that on-finish writes beside pictures, in the order in which people look for them. */
const WHAT: Readonly<Record<string, string>> = {
  'snapshots.json': 'Index',
  'storyboard.vtt': 'Preview track',
  'storyboard.json': 'Preview list',
  'poster.jpg': 'Poster',
  'sprite.vtt': 'Sprite track',
};
const SPRITE_SHEET = /^sprite-\d+\.jpg$/;

export const PUBLISHED_NAMES = Object.keys(WHAT);

export interface Directory {
  /** Address of the bucket that holds it, without a slash at the end. */
  bucketAddress: string;
  /** Of the snapshot bucket's content, where PUBLIC_URL says so. */
  publicUrl: string | undefined;
  /** Without a slash at the end. */
  path: string;
  task: string;
  objects: readonly { key: string; sizeBytes: number }[];
}

/** Those files of a directory that were published. */
export function publishedFiles({
  bucketAddress,
  publicUrl,
  path,
  task,
  objects,
}: Directory): PublishedFile[] {
  const sizes = new Map(objects.map(({ key, sizeBytes }) => [key.slice(path.length + 1), sizeBytes]));
  const sheets = [...sizes.keys()].filter((name) => SPRITE_SHEET.test(name));
  return [...PUBLISHED_NAMES, ...sheets].flatMap((name) => {
    const sizeBytes = sizes.get(name);
    if (sizeBytes === undefined) return [];
    return {
      name,
      what: WHAT[name] ?? 'Sprite sheet',
      sizeBytes,
      address: `${publicUrl ?? bucketAddress}/${encodeKey(`${path}/${name}`)}`,
      url: `file?${new URLSearchParams({ task, name })}`,
    };
  });
}

/** True for the file names that this service publishes. */
export function isPublishedName(name: string): boolean {
  return Object.hasOwn(WHAT, name) || SPRITE_SHEET.test(name);
}

/** The addresses of published files, for pages that may read them. */
export function embedAddressesOf(
  files: readonly PublishedFile[],
): Pick<EmbedAddresses, 'poster' | 'track' | 'spriteTrack'> {
  const addressOf = (name: string) => files.find((file) => file.name === name)?.address;
  const [poster, track, spriteTrack] = ['poster.jpg', 'storyboard.vtt', 'sprite.vtt'].map(addressOf);
  return {
    ...(poster !== undefined && { poster }),
    ...(track !== undefined && { track }),
    ...(spriteTrack !== undefined && { spriteTrack }),
  };
}
