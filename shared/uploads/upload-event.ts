import * as z from 'zod/mini';
import { anything, isText, text } from '../core/schema';
import { capturesFor } from '../installation/captures';
import { isOwnOutput } from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { isObjectKey } from '../validation';

/** One object that was created in a bucket, whatever shape its event had. */
export interface Upload {
  bucket: string;
  /** Decoded object key. */
  key: string;
  /** Without quotes, in lower case; empty when the event has none. */
  etag: string;
  sizeBytes?: number | undefined;
  /** From a listing, ms since the epoch; events do not have it. */
  lastModifiedMs?: number;
  /** The key as it came, if it may be one that is not encoded: then it names another object. */
  otherKey?: string | undefined;
}

/** The event of an upload younger than this is probably on its way. An older upload without a task is the sweep's. */
export const EVENT_COMES_WITHIN_MS = 20_000;

/** Why an event starts no capture. */
export type SkipReason =
  | 'unreadable_record'
  | 'not_a_creation'
  | 'bucket_not_allowed'
  | 'own_output'
  | 'outside_prefix'
  | 'not_a_video'
  | 'no_capture'
  | 'empty';

/** One record of an event. */
export type UploadRecord =
  | { upload: Upload; isRemoval?: true; skip?: undefined }
  | { upload?: Upload; isRemoval?: undefined; skip: 'unreadable_record' | 'not_a_creation' };

/** Only the fields that are used: events carry more, and regions differ. */
const Body = z.object({
  bucket: z.object({ name: text }),
  object: z.object({ key: text, eTag: anything, size: anything }),
});
/**
 * `s3`: FunctionGraph's OBS trigger (developer guide, "OBS event source"). `obs`: OBS event notification 3.0 (OBS user guide,
 * "Event message structure").
 */
const EventRecord = z.object({ eventName: text, s3: anything, obs: anything });
/** EventGrid: one CloudEvent around one 3.0 record (captured event). */
const CloudEvent = z.object({ specversion: text, data: anything });
const Batch = z.object({ Records: z.array(z.unknown()) });

/**
 * Reads an OBS event of any of its three shapes: `Records[].s3`, `Records[].obs` or a CloudEvent of EventGrid.
 * @returns one entry per record, in order; undefined when the event has none of the three shapes
 */
export function readUploads(event: unknown): UploadRecord[] | undefined {
  const { data: batch } = z.safeParse(Batch, event);
  if (batch) return batch.Records.map((record) => readRecord(record, ENCODED_IN_RECORD));
  const { data: cloudEvent } = z.safeParse(CloudEvent, event);
  return cloudEvent && [readRecord(cloudEvent.data, ENCODED_IN_CLOUD_EVENT)];
}

function readRecord(record: unknown, encoded: RegExp): UploadRecord {
  const { data: { eventName, s3, obs } = { eventName: '' } } = z.safeParse(EventRecord, record);
  const body = z.safeParse(Body, s3).data ?? z.safeParse(Body, obs).data;
  if (body === undefined) return { skip: 'unreadable_record' };
  const { bucket, object } = body;
  const key = decodeKey(object.key, encoded);
  const size = textOf(object.size);
  const upload = {
    bucket: bucket.name,
    key,
    etag: textOf(object.eTag).replaceAll('"', '').toLowerCase(),
    sizeBytes: /^\d+$/.test(size) ? Number(size) : undefined,
    otherKey: key === object.key ? undefined : object.key,
  };
  // Some producers write the `s3:` of the notification configuration.
  const [, what] = /^(?:s3:)?Object(Created|Removed):/.exec(eventName) ?? [];
  if (what === undefined) return { upload, skip: 'not_a_creation' };
  // A removed version, delete marker or object are all the same here: what counts is what exists afterwards.
  return what === 'Removed' ? { upload, isRemoval: true } : { upload };
}

/** The value as text; nothing for what is neither text nor number. */
function textOf(value: unknown): string {
  return isText(value) || typeof value === 'number' ? String(value) : '';
}

/**
 * The documents show records with encoded keys, slashes included. S3, whose form they have, does not encode slashes. Captured
 * events prove neither, so a key with a character that both would encode, such as a space, stays unchanged.
 */
const ENCODED_IN_RECORD = /^[\w.~*%+!'()/-]*$/;
/**
 * On EventGrid the subscription decides about the encoding (`objectKeyEncode`). An encoded key holds only characters that
 * need no encoding: a slash, a space or another such character shows that keys are not encoded.
 */
const ENCODED_IN_CLOUD_EVENT = /^[\w.~*%+!'()-]*$/;

/**
 * Decodes a form-encoded key: `+` is a space, `%2F` a slash (OBS user guide: "TEST%2F%E4%B8%AD+%E6%96%87.jpg").
 * A key that is not a valid encoding stays unchanged.
 * @param encoded what an encoded key looks like where this one comes from
 */
export function decodeKey(key: string, encoded = ENCODED_IN_RECORD): string {
  if (!encoded.test(key)) return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** Decides whether an upload is captured. @returns the reason why not; undefined when it is captured */
export function reasonToSkip(upload: Upload, settings: Settings): SkipReason | undefined {
  if (!isObjectKey(upload.key)) return 'unreadable_record';
  if (isOwnOutput(upload.bucket, upload.key, settings)) return 'own_output';
  if (!settings.uploadBuckets.includes(upload.bucket)) return 'bucket_not_allowed';
  if (!upload.key.startsWith(settings.uploadPrefix)) return 'outside_prefix';
  const key = upload.key.toLowerCase();
  if (!settings.uploadSuffixes.some((suffix) => key.endsWith(suffix))) return 'not_a_video';
  if (capturesFor(upload.key, settings.captures).length === 0) return 'no_capture';
  if (upload.sizeBytes === 0) return 'empty';
  return undefined;
}
