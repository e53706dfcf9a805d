import { textThat } from '../core/schema';
import { sha256Hex } from '../signing';

/** The object of an upload: the same key with another ETag is another upload. */
export interface ObjectVersion {
  bucket: string;
  key: string;
  etag: string;
}

/** What decides where an installation reads and writes. */
export interface Places {
  /** The buckets that uploads are read from. Nothing outside them is ever read. */
  uploadBuckets: readonly string[];
  /** Uploads start with this; empty for the whole bucket. */
  uploadPrefix: string;
  snapshotBucket: string;
  /** Folders of the snapshot bucket that all directories of pictures lie in, that of OUTPUT_DIRECTORY first. */
  ownFolders: readonly string[];
}

/** Folder of this service's own records in the snapshot bucket. */
export const RECORDS_FOLDER = '.mpc-snapshots/';

/** True for what this service writes: the guard against a function that triggers itself. */
export function isOwnOutput(bucket: string, key: string, settings: Places): boolean {
  return (
    bucket === settings.snapshotBucket &&
    [RECORDS_FOLDER, ...settings.ownFolders].some((folder) => key.startsWith(folder))
  );
}

/** True where a new object would be looked at as an upload. */
export function isInUploadArea(bucket: string, key: string, settings: Places): boolean {
  return (
    settings.uploadBuckets.includes(bucket) &&
    key.startsWith(settings.uploadPrefix) &&
    !isOwnOutput(bucket, key, settings)
  );
}

/** Directory of an upload's snapshots, with `{bucket}` `{key}` `{stem}` `{etag}`. */
export const directoryTemplate = textThat(
  (value) => /^[^/{}][^{}]*(\{(bucket|key|stem|etag)\}[^{}]*)+$/.test(value) && /\{(key|stem)\}/.test(value),
  'must start with a fixed folder and hold {key} or {stem}',
);

/** The part of a template of directories before its first placeholder, for example `snapshots/`. */
export function fixedFolder(template: string): string {
  return template.slice(0, template.indexOf('{'));
}

/** The text without slashes at either end, in linear time: `/\/+$/` tries again at each of a million slashes. */
export function trimSlashes(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === '/') start++;
  while (end > start && text[end - 1] === '/') end--;
  return text.slice(start, end);
}

/** A key without its ending. */
export function stemOf(key: string): string {
  return key.replace(/\.[^./]*$/, '');
}

/** Room that is left for the names of pictures below the 1,024 bytes of an OBS key. */
const MAX_DIRECTORY_BYTES = 740;

/**
 * The directory of an upload's snapshots. It follows from the upload alone, so that everybody can know it.
 *
 * Keys that make no sound directory (too long for pictures below it, or with empty, `.` or `..` segments, which
 * browsers resolve) give the SHA-256 of the key in place of `{key}` and `{stem}`.
 */
export function outputDirectoryOf(upload: ObjectVersion, template: string): string {
  const fill = (key: string): string => {
    const parts: Readonly<Record<string, string>> = { ...upload, key, stem: stemOf(key) };
    return trimSlashes(template.replace(/\{(bucket|key|stem|etag)\}/g, (_, name) => parts[name] ?? ''));
  };
  const directory = fill(upload.key);
  const isSound =
    Buffer.byteLength(directory) <= MAX_DIRECTORY_BYTES &&
    !directory.split('/').some((part) => /^\.{0,2}$/.test(part));
  return isSound ? directory : fill(sha256Hex(upload.key));
}
