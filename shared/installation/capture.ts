import * as z from 'zod/mini';
import type { Detail } from '../core/errors';
import { described, integer, integers, oneOf, oneOfNumbers, side, textThat } from '../core/schema';
import { check, isCleanText } from '../validation';

// Limits of MPC's snapshot API (API reference, "Creating a snapshot task"; its OpenAPI description for the ranges).
const MAX_INTERVAL_SECONDS = 100;
const MAX_ASYNC_DOTS = 10;
const MAX_WIDTH_PX = 3840;
const MAX_HEIGHT_PX = 2160;
const MIN_SIDE_PX = 96;
const MIN_MAX_LENGTH_PX = 240;
const MAX_FILE_NAME_CHARACTERS = 256;
const MAX_INT32 = 2_147_483_647;

export const ThumbnailParaSchema = z.strictObject({
  type: z.optional(
    described(
      oneOf('TIME', 'DOTS', 'DOTS_MS'),
      'TIME: at intervals. DOTS: at up to 10 times in seconds. DOTS_MS: at one time in milliseconds, with sync 1. TIME when left out.',
    ),
  ),
  time: z.optional(described(integer(1, MAX_INTERVAL_SECONDS, 's'), 'TIME: seconds between two pictures.')),
  start_time: z.optional(described(integer(0, MAX_INT32, 's'), 'TIME: where the first picture is taken.')),
  duration: z.optional(
    described(integer(0, MAX_INT32, 's'), 'TIME: for how long pictures are taken; 0 to the end.'),
  ),
  dots: z.optional(described(integers(0, MAX_INT32, 's'), 'DOTS: times of the pictures.')),
  dots_ms: z.optional(described(integers(0, MAX_INT32, 'ms'), 'DOTS_MS: time of the picture.')),
  output_filename: z.optional(
    textThat(
      (name) => /^[^/\\]+$/.test(name) && name.length <= MAX_FILE_NAME_CHARACTERS && isCleanText(name),
      `must be 1 to ${MAX_FILE_NAME_CHARACTERS} characters without slashes and control characters`,
    ),
  ),
  format: z.optional(described(oneOfNumbers(1), '1: JPEG.')),
  width: z.optional(described(side(MIN_SIDE_PX, MAX_WIDTH_PX), '0 follows the aspect ratio.')),
  height: z.optional(described(side(MIN_SIDE_PX, MAX_HEIGHT_PX), '0 follows the aspect ratio.')),
  max_length: z.optional(
    described(
      integer(MIN_MAX_LENGTH_PX, MAX_WIDTH_PX, 'px'),
      'The longer side, where width and height are not given.',
    ),
  ),
  amount: z.optional(integer(1, 100, '%')),
  threshold: z.optional(integer(0, 255)),
});

/** `thumbnail_para` of MPC: what is captured. Times are in seconds except `dots_ms`; `type` is TIME when left out. */
export type ThumbnailPara = z.infer<typeof ThumbnailParaSchema>;

/** Checks the CAPTURE setting: the `thumbnail_para` of tasks that uploads start. */
export function checkCapture(json: unknown): ReturnType<typeof check<typeof ThumbnailParaSchema>> {
  const checked = check(ThumbnailParaSchema, json);
  if (checked.details) return checked;
  const details = crossFieldIssues(checked.data, 0);
  return details.length > 0 ? { details } : checked;
}

/** Which fields go together, by type and sync (API reference, descriptions of `type`, `dots` and `dots_ms`). */
export function crossFieldIssues(para: ThumbnailPara, sync: 0 | 1): Detail[] {
  const fault = (field: string, message: string): Detail[] => [{ path: `thumbnail_para.${field}`, message }];
  if (para.type === 'DOTS') {
    const count = para.dots?.length ?? 0;
    if (sync === 1 && count !== 1)
      return fault('dots', `must hold exactly 1 time (s) when sync is 1, got ${count}`);
    return count >= 1 && count <= MAX_ASYNC_DOTS
      ? []
      : fault('dots', `must hold 1 to ${MAX_ASYNC_DOTS} times (s) when type is DOTS, got ${count}`);
  }
  if (para.type === 'DOTS_MS') {
    if (sync === 0)
      return fault('type', 'must not be DOTS_MS unless sync is 1; use DOTS, in seconds, for sync 0');
    const count = para.dots_ms?.length ?? 0;
    return count === 1 ? [] : fault('dots_ms', `must hold exactly 1 time (ms), got ${count}`);
  }
  return sync === 1 ? fault('type', 'must be DOTS or DOTS_MS when sync is 1, got "TIME"') : [];
}
