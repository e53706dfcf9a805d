import * as z from 'zod/mini';
import { anything, isText, text } from '../core/schema';
import { capturesFor } from '../installation/captures';
import { isOwnOutput } from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { isObjectKey } from '../validation';

/** One object that was created in a bucket, whatever the shape of the event that said so. */
export interface Upload {
  bucket: string;
  /** Decoded object key. */
  key: string;
  /** Without quotes, in lower case; empty when the event has none. */
  etag: string;
  sizeBytes?: number | undefined;
  /** As a listing shows it, ms since the epoch; events do not tell. */
  lastModifiedMs?: number;
  /** The key as it came, where it may be none that is encoded: then it means another object. */
  otherKey?: string | undefined;
}

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

/** What one record of an event says. */
export type UploadRecord =
  | { upload: Upload; isRemoval?: true; skip?: undefined }
  | { upload?: Upload; isRemoval?: undefined; skip: 'unreadable_record' | 'not_a_creation' };

/** Only what is used is checked: events carry more, and it differs from region to region. */
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
  if (batch) return batch.Records.map((record) => readRecord(record, decodeRecordKey));
  const { data: cloudEvent } = z.safeParse(CloudEvent, event);
  return cloudEvent && [readRecord(cloudEvent.data, decodeIfEncoded)];
}

function readRecord(record: unknown, decodeKey: (key: string) => string): UploadRecord {
  const { data: { eventName, s3, obs } = { eventName: '' } } = z.safeParse(EventRecord, record);
  const body = z.safeParse(Body, s3).data ?? z.safeParse(Body, obs).data;
  if (body === undefined) return { skip: 'unreadable_record' };
  const { bucket, object } = body;
  const key = decodeKey(object.key);
  const upload = {
    bucket: bucket.name,
    key,
    etag: textOf(object.eTag).replaceAll('"', '').toLowerCase(),
    sizeBytes: /^\d+$/.test(textOf(object.size)) ? Number(object.size) : undefined,
    otherKey: key === object.key ? undefined : object.key,
  };
  // Some producers spell it with the `s3:` of the notification configuration.
  const [, what] = /^(?:s3:)?Object(Created|Removed):/.exec(eventName) ?? [];
  if (what === undefined) return { upload, skip: 'not_a_creation' };
  // Whether a version, a delete marker or all of it was removed does not matter: what counts is what is there afterwards.
  return what === 'Removed' ? { upload, isRemoval: true } : { upload };
}

/** The value as text; nothing for what is neither text nor number. */
function textOf(value: unknown): string {
  return isText(value) || typeof value === 'number' ? String(value) : '';
}

/**
 * Decodes a key that is form-encoded: `+` is a space, `%2F` a slash (OBS user guide: "TEST%2F%E4%B8%AD+%E6%96%87.jpg").
 * A key that is not a valid encoding is taken as it is.
 */
function decodeFormKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/**
 * The documents encode the keys of records, slashes included; S3, whose form they have, leaves slashes alone. Captured
 * keys prove neither, so that a key with a space or any other character that both encode is taken as it is.
 */
export function decodeRecordKey(key: string): string {
  return /^[\w.~*%+!'()/-]*$/.test(key) ? decodeFormKey(key) : key;
}

/**
 * On EventGrid the encoding is a switch of the subscription (`objectKeyEncode`). An encoded key holds only what the
 * encoding leaves over, so that a slash, a space or any other such character tells that the switch is off.
 */
function decodeIfEncoded(key: string): string {
  return /^[\w.~*%+!'()-]*$/.test(key) ? decodeFormKey(key) : key;
}

/** Decides whether an upload is to be captured. @returns the reason against it, undefined when there is none */
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
