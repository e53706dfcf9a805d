import * as z from 'zod';

/**
 * What OBS's documents leave open, or what a region may have or not. The defaults are the more likely reading, or the
 * one on which a client must not rely; a client is only finished when it works under both.
 */
export const obsBehaviour = z.object({
  /**
   * Whether keys in notifications are form-encoded: documented for the message
   * of OBS, captured events do not show it.
   */
  encodeEventKeys: z.boolean().default(true),
  /** Form of the event that a notification hands to a function: the message of OBS, or the classic trigger's. */
  notificationShape: z.enum(['obs', 's3']).default('obs'),
  /** `/bucket/key` at the service's own host: refused by the documents, not known whether every region does so. */
  pathStyle: z.enum(['accepted', 'refused']).default('accepted'),
  /**
   * `If-None-Match: *` and `x-obs-forbid-overwrite: true` on writes. In no document of OBS, so they have no effect by
   * default: a client that builds a lock on them has to be seen failing.
   */
  conditionalWrites: z.enum(['ignored', 'honoured']).default('ignored'),
  /**
   * Whether `HEAD /?apiversion` names a version; a client that negotiates uses the dialect of S3 where none is named.
   */
  apiVersion: z.enum(['3.0', 'unannounced']).default('3.0'),
  /** Whether a signature of AWS version 4 has to name the region of the bucket, as S3 demands. */
  signatureRegion: z.enum(['checked', 'any']).default('checked'),
  /**
   * The checksums that AWS SDKs add since 2025. Users report that OBS takes no notice of `x-amz-checksum-…` and refuses
   * bodies with trailing checksums (`XAmzContentSHA256Mismatch`); `verified` does with both what S3 does.
   */
  s3Checksums: z.enum(['unknown', 'verified']).default('unknown'),
});

export type ObsBehaviour = z.infer<typeof obsBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<ObsBehaviour> = obsBehaviour.parse({});
