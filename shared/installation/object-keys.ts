import { textThat } from '../core/schema';
import { sha256Hex } from '../signing';

/** One version of an object. The same key with another ETag is another upload. */
export interface ObjectVersion {
  bucket: string;
  key: string;
  etag: string;
}

/** The settings that decide where an installation reads and writes. */
export interface Places {
  /** The upload buckets. Videos in other buckets are never read. */
  uploadBuckets: readonly string[];
  /** Keys of uploads start with this; empty for the whole bucket. */
  uploadPrefix: string;
  snapshotBucket: string;
  /** Folders of the snapshot bucket that contain all directories of pictures; that of OUTPUT_DIRECTORY comes first. */
  ownFolders: readonly string[];
}

/** Folder of this service's records in the snapshot bucket. */
export const RECORDS_FOLDER = '.mpc-snapshots/';

/** True for objects that this service writes: the guard against a function that triggers itself. */
export function isOwnOutput(bucket: string, key: string, settings: Places): boolean {
  return (
    bucket === settings.snapshotBucket &&
    [RECORDS_FOLDER, ...settings.ownFolders].some((folder) => key.startsWith(folder))
  );
}

/** True if a new object at this key counts as an upload. */
export function isInUploadArea(bucket: string, key: string, settings: Places): boolean {
  return (
    settings.uploadBuckets.includes(bucket) &&
    key.startsWith(settings.uploadPrefix) &&
    !isOwnOutput(bucket, key, settings)
  );
}

/** Template of the directory of an upload's pictures, with `{bucket}` `{key}` `{stem}` `{etag}`. */
export const directoryTemplate = textThat(
  (value) => /^[^/{}][^{}]*(\{(bucket|key|stem|etag)\}[^{}]*)+$/.test(value) && /\{(key|stem)\}/.test(value),
  'must start with a fixed folder and hold {key} or {stem}',
);

/** The part of a template before its first placeholder, for example `snapshots/`. */
export function fixedFolder(template: string): string {
  return template.slice(0, template.indexOf('{'));
}

/** The text without slashes at either end, in linear time. `/\/+$/` needs quadratic time for a million slashes. */
export function trimSlashes(text = ''): string {
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

/** An OBS key has 1,024 bytes: the rest is for the names of pictures. */
const MAX_DIRECTORY_BYTES = 740;

/**
 * The directory of an upload's pictures. It depends on the upload and the template alone, so that callers can compute it.
 *
 * Some keys make no usable directory: they are too long, or have empty, `.` or `..` segments, which browsers resolve.
 * For these, `{key}` and `{stem}` are replaced by the SHA-256 of the key.
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
