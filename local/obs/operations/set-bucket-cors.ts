import * as z from 'zod';
import { ObsError } from '../errors';
import type { CorsRule } from '../object-store';
import { bucketOf, type Operation, requireBucket } from '../operation';
import { checkContentMd5, readText } from '../request-body';
import { oneOrMany, parseXml } from '../xml';

const MAX_RULES = 100;
const MAX_DOCUMENT_BYTES = 64 * 1024;

const pattern = z.string().regex(/^[^*]*(?:\*[^*]*)?$/);
const configuration = z.object({
  CORSRule: oneOrMany(
    z.object({
      ID: z.string().max(255).optional(),
      AllowedMethod: oneOrMany(z.enum(['GET', 'PUT', 'HEAD', 'POST', 'DELETE'])),
      AllowedOrigin: oneOrMany(pattern),
      AllowedHeader: oneOrMany(pattern).optional(),
      ExposeHeader: oneOrMany(z.string().regex(/^[^*]*$/)).optional(),
      MaxAgeSeconds: z.string().regex(/^\d+$/).optional(),
    }),
  ),
});

/** PUT /bucket?cors */
export const setBucketCors: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const body = await readText(call.request);
  checkContentMd5(call.request, body);
  const { CORSRule: rules } = parseXml(body, 'CORSConfiguration', configuration);
  if (rules.length > MAX_RULES || Buffer.byteLength(body) > MAX_DOCUMENT_BYTES) {
    throw new ObsError(
      'InvalidRequest',
      `A CORS configuration has at most ${MAX_RULES} rules and ${MAX_DOCUMENT_BYTES} bytes.`,
    );
  }
  await call.store.setCors(
    bucketOf(call),
    rules.map(
      (rule): CorsRule => ({
        ...(rule.ID !== undefined && { id: rule.ID }),
        allowedMethods: rule.AllowedMethod,
        allowedOrigins: rule.AllowedOrigin,
        allowedHeaders: rule.AllowedHeader ?? [],
        exposeHeaders: rule.ExposeHeader ?? [],
        ...(rule.MaxAgeSeconds !== undefined && { maxAgeSeconds: Number(rule.MaxAgeSeconds) }),
      }),
    ),
  );
  return { status: 200 };
};
