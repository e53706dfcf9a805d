import * as z from 'zod/mini';
import type { CreateTaskBody, ObsLocation, ThumbnailPara } from '../cloud/mpc';
import type { Detail } from '../core/errors';
import { oneOf, optionalText, textUpTo } from '../core/schema';
import { asyncIssues, paraIssue, thumbnailParaSchema } from '../installation/capture';
import {
  isInUploadArea,
  type ObjectVersion,
  outputDirectoryOf,
  RECORDS_FOLDER,
} from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { bucketName, InvalidRequest, MAX_USER_DATA_CHARACTERS, objectKey, parse, show } from '../validation';

const ObsObject = z.strictObject({
  bucket: bucketName,
  location: optionalText,
  object: objectKey,
  /** MPC accepts it; it has no effect on snapshots. */
  file_name: z.optional(textUpTo(180)),
});

const bit = oneOf(0, 1);

export const CreateSchema = z.strictObject({
  input: ObsObject,
  output: z.optional(ObsObject),
  thumbnail_para: z.optional(thumbnailParaSchema()),
  user_data: z.optional(textUpTo(MAX_USER_DATA_CHARACTERS)),
  tar: z.optional(bit),
  sync: z.optional(bit),
  original_dir: z.optional(bit),
});

/**
 * Checks the body of `POST /snapshots` against every documented limit of MPC and the buckets of this installation, and
 * fills in the defaults.
 * @param json the parsed body, of any type
 * @throws InvalidRequest with a detail for each wrong field
 */
export function parseCreateRequest(json: unknown, settings: Settings): CreateTaskBody {
  const request = parse(CreateSchema, json);
  const thumbnailPara =
    request.thumbnail_para ?? (request.sync === 1 ? firstFrame : settings.captures[0].thumbnailPara);
  const input = withLocation(request.input, settings);
  const output = request.output
    ? withLocation(request.output, settings)
    : {
        bucket: settings.snapshotBucket,
        location: settings.region,
        object: outputDirectoryOf(apiVersion(input), settings.outputDirectory),
      };
  const issues = [
    ...locationIssues('input', input, settings, settings.uploadBuckets),
    ...locationIssues('output', output, settings, [settings.snapshotBucket, ...settings.uploadBuckets]),
    ...(request.sync === 1 ? syncIssues(thumbnailPara) : asyncIssues(thumbnailPara)),
  ];
  if (input.object.endsWith('/')) {
    issues.push({
      path: 'input.object',
      message: `must be the key of a video, got the directory ${show(input.object)}`,
    });
  }
  if (request.output) issues.push(...outputIssues(input, output, settings));
  if (issues.length > 0) throw new InvalidRequest(issues);
  return { ...request, input, output, thumbnail_para: thumbnailPara };
}

/** What does not go together in a capture that MPC makes at once (API reference, `sync`). */
function syncIssues(para: ThumbnailPara): Detail[] {
  if (para.type !== 'DOTS' && para.type !== 'DOTS_MS')
    return paraIssue('type', 'must be DOTS or DOTS_MS when sync is 1, got "TIME"');
  const [field, wanted] =
    para.type === 'DOTS'
      ? (['dots', '1 time (s) when sync is 1'] as const)
      : (['dots_ms', '1 time (ms)'] as const);
  const count = para[field]?.length ?? 0;
  return count === 1 ? [] : paraIssue(field, `must hold exactly ${wanted}, got ${count}`);
}

/**
 * Checks where the pictures of a request go. MPC strips slashes at the ends, and clients treat double slashes and dots
 * differently, so only one spelling of each directory is allowed.
 */
function outputIssues(input: ObsLocation, output: ObsLocation, settings: Settings): Detail[] {
  const issue = (message: string): Detail[] => [{ path: 'output.object', message }];
  const directory = output.object.replace(/\/$/, '');
  if (directory.split('/').some((part) => /^\.{0,2}$/.test(part))) {
    return issue(
      `must be a directory without a slash at the start, double slashes, "." and "..", got ${show(output.object)}`,
    );
  }
  const place = `${directory}/`;
  if (isInUploadArea(output.bucket, place, settings)) {
    return issue(
      `must lie outside the place where uploads are captured, "${settings.uploadPrefix}" in ${output.bucket}`,
    );
  }
  if (output.bucket === settings.snapshotBucket) {
    if (place.startsWith(RECORDS_FOLDER)) return issue(`must lie outside ${RECORDS_FOLDER}`);
    const folder = settings.ownFolders.find((one) => place.startsWith(one));
    const own = outputDirectoryOf(apiVersion(input), settings.outputDirectory);
    if (folder !== undefined && directory !== own) {
      return issue(`must be the directory of its own video, ${show(own)}, or lie outside ${show(folder)}`);
    }
  }
  return [];
}

/** Tasks of callers have no ETag. */
function apiVersion({ bucket, object: key }: ObsLocation): ObjectVersion {
  return { bucket, key, etag: 'api' };
}

/** The default of a synchronous task: the first frame. */
const firstFrame: ThumbnailPara = { type: 'DOTS', dots: [0] };

function withLocation(object: z.infer<typeof ObsObject>, settings: Settings): ObsLocation {
  return { bucket: object.bucket, location: object.location ?? settings.region, object: object.object };
}

function locationIssues(
  name: 'input' | 'output',
  location: ObsLocation,
  settings: Settings,
  allowedBuckets: readonly string[],
): Detail[] {
  const issues: Detail[] = [];
  if (!allowedBuckets.includes(location.bucket)) {
    issues.push({
      path: `${name}.bucket`,
      message: `must be one of the allowed buckets ${[...new Set(allowedBuckets)].join(', ')}, got ${show(location.bucket)}`,
    });
  }
  if (location.location !== settings.region) {
    issues.push({
      path: `${name}.location`,
      message: `must be the region of this service, ${settings.region}, got ${show(location.location)}`,
    });
  }
  return issues;
}
