import * as z from 'zod';
import { VERSIONING } from '../journal-entry';
import { bucketOf, type Operation, requireBucket } from '../operation';
import { readText } from '../request-body';
import { parseXml } from '../xml';

const configuration = z.object({ Status: z.enum(VERSIONING) });

/** PUT /bucket?versioning. A bucket that keeps versions can suspend that. It never returns to having no status. */
export const setBucketVersioning: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const body = await readText(call.request);
  await call.store.setVersioning(
    bucketOf(call),
    parseXml(body, 'VersioningConfiguration', configuration).Status,
  );
  return { status: 200 };
};
