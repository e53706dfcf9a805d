import * as z from 'zod/mini';
import type { ThumbnailPara } from '../cloud/mpc';
import type { Detail } from '../core/errors';
import { integer, integers, lazily, oneOf, side, textThat } from '../core/schema';
import { isCleanText } from '../validation';

// Limits of MPC's snapshot API (API reference, "Creating a snapshot task"; its OpenAPI description for the ranges).
const MAX_INTERVAL_SECONDS = 100;
const MAX_ASYNC_DOTS = 10;
const MAX_WIDTH_PX = 3840;
const MAX_HEIGHT_PX = 2160;
const MIN_SIDE_PX = 96;
const MIN_MAX_LENGTH_PX = 240;
const MAX_FILE_NAME_CHARACTERS = 256;
const MAX_INT32 = 2_147_483_647;

/**
 * `thumbnail_para` of a request or a setting. Most calls need none of its 50 schemas: the default capture is not parsed.
 */
export const thumbnailParaSchema = lazily(() => {
  const seconds = integer(0, MAX_INT32, 's');
  return z.strictObject({
    type: z.optional(oneOf('TIME', 'DOTS', 'DOTS_MS')),
    time: z.optional(integer(1, MAX_INTERVAL_SECONDS, 's')),
    start_time: z.optional(seconds),
    duration: z.optional(seconds),
    dots: z.optional(integers(0, MAX_INT32, 's')),
    dots_ms: z.optional(integers(0, MAX_INT32, 'ms')),
    output_filename: z.optional(
      textThat(
        (name) => /^[^/\\]+$/.test(name) && name.length <= MAX_FILE_NAME_CHARACTERS && isCleanText(name),
        `must be 1 to ${MAX_FILE_NAME_CHARACTERS} characters without slashes and control characters`,
      ),
    ),
    format: z.optional(oneOf(1)),
    width: z.optional(side(MIN_SIDE_PX, MAX_WIDTH_PX)),
    height: z.optional(side(MIN_SIDE_PX, MAX_HEIGHT_PX)),
    max_length: z.optional(integer(MIN_MAX_LENGTH_PX, MAX_WIDTH_PX, 'px')),
    amount: z.optional(integer(1, 100, '%')),
    threshold: z.optional(integer(0, 255)),
  });
});

/** What does not go together in a capture that MPC makes in its own time (API reference, `type` and `dots`). */
export function asyncIssues(para: ThumbnailPara): Detail[] {
  if (para.type === 'DOTS_MS')
    return paraIssue('type', 'must not be DOTS_MS unless sync is 1; use DOTS, in seconds, for sync 0');
  const count = para.dots?.length ?? 0;
  return para.type !== 'DOTS' || (count >= 1 && count <= MAX_ASYNC_DOTS)
    ? []
    : paraIssue('dots', `must hold 1 to ${MAX_ASYNC_DOTS} times (s) when type is DOTS, got ${count}`);
}

/** The only issue of a capture, with its path in a request. */
export function paraIssue(field: keyof ThumbnailPara, message: string): Detail[] {
  return [{ path: `thumbnail_para.${field}`, message }];
}
