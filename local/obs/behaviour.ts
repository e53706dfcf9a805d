import * as z from 'zod';

/**
 * What OBS's documents leave open, and what may differ between regions. Each default is the more likely reading, or the
 * one that no client may rely on. A client is finished only when it works under both.
 */
export const obsBehaviour = z.object({
  /**
   * Whether keys in notifications are form-encoded: the documents of OBS's message say so, captured events do not show
   * it.
   */
  encodeEventKeys: z.boolean().default(true),
  /** Form of the event that a notification hands to a function: OBS's message, or that of the classic trigger. */
  notificationShape: z.enum(['obs', 's3']).default('obs'),
  /** `/bucket/key` at the service's own host. The documents refuse it; nobody knows whether every region does. */
  pathStyle: z.enum(['accepted', 'refused']).default('accepted'),
  /**
   * `If-None-Match: *` and `x-obs-forbid-overwrite: true` on writes. No document of OBS has them, so by default they
   * have no effect: a client that builds a lock on them must fail here.
   */
  conditionalWrites: z.enum(['ignored', 'honoured']).default('ignored'),
  /** Whether `HEAD /?apiversion` names a version. Without one, a client that negotiates uses the dialect of S3. */
  apiVersion: z.enum(['3.0', 'unannounced']).default('3.0'),
  /** Whether a signature of AWS version 4 must name the region of the bucket, as S3 demands. */
  signatureRegion: z.enum(['checked', 'any']).default('checked'),
  /**
   * The checksums that AWS SDKs send since 2025. Users report that OBS ignores `x-amz-checksum-…` and refuses bodies
   * with trailing checksums (`XAmzContentSHA256Mismatch`). With `verified` OBS treats both as S3 does.
   */
  s3Checksums: z.enum(['unknown', 'verified']).default('unknown'),
});

export type ObsBehaviour = z.infer<typeof obsBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<ObsBehaviour> = obsBehaviour.parse({});
