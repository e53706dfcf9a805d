import * as z from 'zod';
import type { MpcBehaviour } from '../behaviour';
import { invalidParameter } from '../errors';
import type { Sampling } from '../naming';
import type { RequestedSize } from '../size';
import type { ObsLocation } from '../task-book';

/** A valid CreateThumbnailsTask body with all defaults filled in. */
export interface CreateThumbnailsRequest {
  input: ObsLocation;
  output: ObsLocation;
  userData: string | undefined;
  sampling: Sampling;
  size: RequestedSize;
  fileName: string | undefined;
  tar: boolean;
  sync: boolean;
  /** False: the pictures go into a random directory below `output.object`. */
  originalDirectory: boolean;
}

const INT32_MAX = 2_147_483_647;
const MAX_ASYNC_DOTS = 10;

const flag = z.int().min(0).max(1);
const obsObjInfo = z.object({
  bucket: z.string().min(1).max(64),
  location: z.string().min(1).max(64),
  object: z.string(),
  file_name: z.string().max(180).optional(),
});

/** A side of 0 px adapts to the other. Below 96 px is outside the range of the text, but not of the schema. */
function side(maxPx: number, smallestPx: MpcBehaviour['smallestSidePx']) {
  return z
    .int()
    .min(0)
    .max(maxPx)
    .refine((px) => px === 0 || px >= smallestPx, { error: `must be 0 or at least ${smallestPx} px` })
    .default(0);
}

/** Ranges: MPC OpenAPI description, CreateThumbReq. Rules between fields: API reference, CreateThumbnailsTask. */
function bodySchema({ smallestSidePx }: MpcBehaviour) {
  const thumbnailPara = z.object({
    type: z.enum(['TIME', 'DOTS', 'DOTS_MS']).default('TIME'),
    time: z.int().min(1).max(100).default(12),
    start_time: z.int().min(0).max(INT32_MAX).default(0),
    duration: z.int().min(0).max(INT32_MAX).default(0),
    dots: z.array(z.int().min(0).max(INT32_MAX)).max(50_000).default([]),
    dots_ms: z.array(z.int().min(0).max(INT32_MAX)).max(50_000).default([]),
    output_filename: z.string().max(256).optional(),
    format: z.literal(1).default(1),
    width: side(3840, smallestSidePx),
    height: side(2160, smallestSidePx),
    max_length: z.int().min(0).max(3840).default(0),
    amount: z.int().min(1).max(100).optional(),
    threshold: z.int().min(0).max(255).optional(),
  });
  return z
    .object({
      input: obsObjInfo.extend({ object: z.string().regex(/[^/]$/, 'must name an object, not a directory') }),
      output: obsObjInfo,
      thumbnail_para: thumbnailPara,
      user_data: z.string().max(65_535).optional(),
      tar: flag.default(1),
      sync: flag.default(0),
      original_dir: flag.default(0),
    })
    .check(({ value: { sync, thumbnail_para: para }, issues }) => {
      const refuse = (field: string, message: string) =>
        issues.push({ code: 'custom', path: ['thumbnail_para', field], message, input: para });
      const { length: dots } = para.dots;
      if (para.type === 'TIME' && sync === 1) {
        refuse('type', 'is TIME, but sync=1 takes exactly one point: use DOTS or DOTS_MS');
      }
      if (para.type === 'DOTS' && sync === 1 && dots !== 1) {
        refuse('dots', `has ${dots} points; sync=1 takes exactly 1`);
      }
      if (para.type === 'DOTS' && sync === 0 && (dots < 1 || dots > MAX_ASYNC_DOTS)) {
        refuse('dots', `has ${dots} points; 1 to ${MAX_ASYNC_DOTS} are possible`);
      }
      if (para.type === 'DOTS_MS' && sync === 0) refuse('type', 'is DOTS_MS, which needs sync=1');
      if (para.type === 'DOTS_MS' && para.dots_ms.length !== 1) {
        refuse('dots_ms', `has ${para.dots_ms.length} points; exactly 1 is possible`);
      }
    });
}

/**
 * Reads the body of a CreateThumbnailsTask request. Unknown fields are ignored, and so are the fields of another
 * sampling type.
 *
 * @throws ServiceError MPC.10202 whose detail names every wrong field
 */
export function parseCreateThumbnailsRequest(body: Buffer, behaviour: MpcBehaviour): CreateThumbnailsRequest {
  const parsed = bodySchema(behaviour).safeParse(parseJson(body));
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
    throw invalidParameter(details.join('; '));
  }
  const { input, output, thumbnail_para: para, user_data, tar, sync, original_dir } = parsed.data;
  return {
    input: { bucket: input.bucket, location: input.location, object: input.object },
    output: { bucket: output.bucket, location: output.location, object: output.object },
    userData: user_data,
    sampling: samplingOf(para),
    size: { width: para.width, height: para.height, maxLength: para.max_length },
    fileName: para.output_filename || undefined,
    tar: tar === 0,
    sync: sync === 1,
    originalDirectory: original_dir === 1,
  };
}

function samplingOf(para: z.infer<ReturnType<typeof bodySchema>>['thumbnail_para']): Sampling {
  switch (para.type) {
    case 'TIME':
      return {
        type: 'TIME',
        intervalSeconds: para.time,
        startSeconds: para.start_time,
        durationSeconds: para.duration,
      };
    case 'DOTS':
      return { type: 'DOTS', seconds: para.dots };
    case 'DOTS_MS':
      return { type: 'DOTS_MS', milliseconds: para.dots_ms };
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw invalidParameter('the body is not valid JSON');
  }
}
