import * as z from 'zod/mini';
import type { ThumbnailPara } from '../cloud/mpc';
import type { Detail } from '../core/errors';
import { lazily, optionalText, parseJson, text, textThat } from '../core/schema';
import { check, show } from '../validation';
import { asyncIssues, thumbnailParaSchema } from './capture';
import {
  directoryTemplate,
  fixedFolder,
  outputDirectoryOf,
  RECORDS_FOLDER,
  trimSlashes,
} from './object-keys';

/** One capture. `thumbnailPara` and `directory` decide what its tasks make; `prefix` and `suffixes` only choose uploads. */
export interface Capture {
  /** Undefined for the capture of CAPTURE, which is then the only one. */
  name?: string;
  /** Prefix of its uploads, within UPLOAD_PREFIX. */
  prefix: string;
  /** Endings of its uploads in lower case, from UPLOAD_SUFFIXES. */
  suffixes: readonly string[];
  thumbnailPara: ThumbnailPara;
  /** Template of the directory of its pictures, in the form of OUTPUT_DIRECTORY. */
  directory: string;
}

/** The settings that choose uploads, and the directory of captures that have none of their own. */
export interface UploadChoice {
  uploadPrefix: string;
  uploadSuffixes: readonly string[];
  outputDirectory: string;
}

/** Each capture is a task for every upload that it fits. */
const MAX_CAPTURES = 10;

const captureSchema = lazily(() =>
  z.strictObject({
    // The name becomes part of directories and addresses.
    name: textThat(
      (name) => /^[\w-]{1,32}$/.test(name),
      'must be a string of 1 to 32 letters, digits, _ and -',
    ),
    prefix: optionalText,
    suffixes: z.optional(z.array(text, 'must be a list of endings')),
    thumbnail_para: thumbnailParaSchema(),
    directory: z.optional(directoryTemplate),
  }),
);

/** Parses CAPTURES, a list as JSON. @returns the captures, or what is wrong, each with its place in the list */
export function checkCaptures(
  json: string,
  choice: UploadChoice,
): { data: Capture[]; details?: undefined } | { data?: undefined; details: Detail[] } {
  const list = parseJson(json);
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_CAPTURES) {
    const got = Array.isArray(list) ? list.length : show(json);
    const message = `must be a list of 1 to ${MAX_CAPTURES} captures, as JSON, got ${got}`;
    return { details: [{ path: 'CAPTURES', message }] };
  }
  const captures: Capture[] = [];
  const details: Detail[] = [];
  for (const [index, member] of list.entries()) {
    const issue = (path: string, message: string) =>
      details.push({ path: `CAPTURES[${index}]${path && `.${path}`}`, message });
    const checked = check(captureSchema(), member);
    for (const { path, message } of checked.details ?? asyncIssues(checked.data.thumbnail_para))
      issue(path, message);
    if (checked.details) continue;
    const { name, prefix = choice.uploadPrefix, suffixes, thumbnail_para, directory } = checked.data;
    const capture: Capture = {
      name,
      prefix,
      suffixes: suffixes?.map((suffix) => suffix.toLowerCase()) ?? choice.uploadSuffixes,
      thumbnailPara: thumbnail_para,
      directory: directory ?? `${trimSlashes(choice.outputDirectory)}/${name}`,
    };
    if (!prefix.startsWith(choice.uploadPrefix))
      issue('prefix', `must begin with UPLOAD_PREFIX ("${choice.uploadPrefix}"), got ${show(prefix)}`);
    if (capture.suffixes.length === 0) issue('suffixes', 'must hold at least one ending, got []');
    if (!capture.suffixes.every((suffix) => choice.uploadSuffixes.some((known) => suffix.endsWith(known))))
      issue('suffixes', `must be among UPLOAD_SUFFIXES, got ${show(suffixes)}`);
    if (capture.directory.startsWith(RECORDS_FOLDER))
      issue('directory', `must lie outside ${RECORDS_FOLDER}, got ${show(capture.directory)}`);
    for (const [first, other] of captures.entries()) {
      if (other.name === name)
        issue('name', `must differ from that of CAPTURES[${first}], got ${show(name)}`);
      else if (mayMeet(other, capture)) {
        const theirs = `that of CAPTURES[${first}] (${show(other.directory)})`;
        issue('directory', `must lie apart from ${theirs} for every upload, got ${show(capture.directory)}`);
      }
    }
    captures.push(capture);
  }
  return details.length > 0 ? { details } : { data: captures };
}

/** True if two captures may write into the same directory, or one below the other's. */
function mayMeet(a: Capture, b: Capture): boolean {
  const [one, other] = [fixedFolder(a.directory), fixedFolder(b.directory)];
  // If one folder lies in the other, pictures of two videos may meet.
  if (one !== other) return one.startsWith(other) || other.startsWith(one);
  const isBoth = (x: string, y: string, is: 'startsWith' | 'endsWith') => x[is](y) || y[is](x);
  const haveUploadsInCommon =
    isBoth(a.prefix, b.prefix, 'startsWith') &&
    a.suffixes.some((suffix) => b.suffixes.some((its) => isBoth(suffix, its, 'endsWith')));
  const example = { bucket: 'b', key: 'k.v', etag: 'e' };
  const [first, second] = [a, b].map(({ directory }) => `${outputDirectoryOf(example, directory)}/`);
  return haveUploadsInCommon && isBoth(first ?? '', second ?? '', 'startsWith');
}

/** The captures that an upload gets, in the order of CAPTURES. */
export function capturesFor(key: string, captures: readonly Capture[]): Capture[] {
  const ending = key.toLowerCase();
  return captures.filter(
    ({ prefix, suffixes }) => key.startsWith(prefix) && suffixes.some((suffix) => ending.endsWith(suffix)),
  );
}

/**
 * The capture of a video that is shown when the request names none. For covers the first that makes one picture; otherwise
 * the first that makes more. If there is no such capture, the first one.
 */
export function servingCapture(captures: readonly Capture[], isCover: boolean): Capture | undefined {
  const isOnePicture = ({ type, dots }: ThumbnailPara) => type === 'DOTS' && dots?.length === 1;
  return captures.find(({ thumbnailPara }) => isOnePicture(thumbnailPara) === isCover) ?? captures[0];
}
