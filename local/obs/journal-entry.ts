import * as z from 'zod';

/** The events that a notification can select (OBS API reference, "Configuring event notification for a bucket"). */
export const NOTIFICATION_EVENTS = [
  'ObjectCreated:*',
  'ObjectCreated:Put',
  'ObjectCreated:Post',
  'ObjectCreated:Copy',
  'ObjectCreated:CompleteMultipartUpload',
  'ObjectRemoved:*',
  'ObjectRemoved:Delete',
  'ObjectRemoved:DeleteMarkerCreated',
] as const;

/** A bucket without a status keeps one version of each object (OBS API reference, configuring versioning). */
export const VERSIONING = ['Enabled', 'Suspended'] as const;

/** Classes of buckets, and of writes that name one. */
const STORAGE_CLASSES = ['STANDARD', 'WARM', 'COLD'] as const;

const corsRule = z.object({
  id: z.string().exactOptional(),
  allowedMethods: z.array(z.string()),
  allowedOrigins: z.array(z.string()),
  allowedHeaders: z.array(z.string()),
  exposeHeaders: z.array(z.string()),
  maxAgeSeconds: z.number().exactOptional(),
});

const notification = z.object({
  id: z.string(),
  functionUrn: z.string(),
  events: z.array(z.enum(NOTIFICATION_EVENTS)),
  /** Empty: all keys. */
  prefix: z.string(),
  suffix: z.string(),
});

/** A rule as the client sent it: element names and their content, numbers such as `Days` as text. */
const lifecycleRule = z.record(z.string(), z.json());

/** What a client says about an object at the start of its upload. */
const description = {
  contentType: z.string(),
  metadata: z.record(z.string(), z.string()),
  contentHeaders: z.record(z.string(), z.string()),
  /** Absent: STANDARD. */
  storageClass: z.enum(['WARM', 'COLD']).exactOptional(),
};

export const journalEntry = z.discriminatedUnion('is', [
  z.object({ is: z.literal('bucket'), bucket: z.string(), createdMs: z.number() }),
  z.object({ is: z.literal('bucket-deleted'), bucket: z.string() }),
  z.object({ is: z.literal('cors'), bucket: z.string(), rules: z.array(corsRule) }),
  z.object({ is: z.literal('notifications'), bucket: z.string(), notifications: z.array(notification) }),
  z.object({ is: z.literal('versioning'), bucket: z.string(), status: z.enum(VERSIONING) }),
  z.object({ is: z.literal('class'), bucket: z.string(), storageClass: z.enum(STORAGE_CLASSES) }),
  z.object({ is: z.literal('lifecycle'), bucket: z.string(), rules: z.array(lifecycleRule) }),
  z.object({
    is: z.literal('object'),
    bucket: z.string(),
    key: z.string(),
    file: z.string(),
    sizeBytes: z.number(),
    etag: z.string(),
    lastModifiedMs: z.number(),
    /** The multipart upload that this object completes. */
    uploadId: z.string().exactOptional(),
    /** Absent for the version `null`. */
    versionId: z.string().exactOptional(),
    ...description,
  }),
  z.object({ is: z.literal('object-deleted'), bucket: z.string(), key: z.string() }),
  z.object({
    is: z.literal('marker'),
    bucket: z.string(),
    key: z.string(),
    versionId: z.string().exactOptional(),
    lastModifiedMs: z.number(),
  }),
  z.object({ is: z.literal('version-deleted'), bucket: z.string(), key: z.string(), versionId: z.string() }),
  z.object({
    is: z.literal('upload'),
    uploadId: z.string(),
    bucket: z.string(),
    key: z.string(),
    initiatedMs: z.number(),
    ...description,
  }),
  z.object({ is: z.literal('upload-aborted'), uploadId: z.string() }),
  z.object({
    is: z.literal('part'),
    uploadId: z.string(),
    partNumber: z.number(),
    file: z.string(),
    sizeBytes: z.number(),
    etag: z.string(),
    lastModifiedMs: z.number(),
  }),
]);

/** One committed change. The journal defines the state of the store. */
export type JournalEntry = z.infer<typeof journalEntry>;
export type LifecycleRule = z.infer<typeof lifecycleRule>;
export type CorsRule = z.infer<typeof corsRule>;
/** Which events of a bucket go to which function. */
export type Notification = z.infer<typeof notification>;
export type Versioning = (typeof VERSIONING)[number];
export type NamedStorageClass = (typeof STORAGE_CLASSES)[number];
export type ObjectEntry = Extract<JournalEntry, { is: 'object' }>;
