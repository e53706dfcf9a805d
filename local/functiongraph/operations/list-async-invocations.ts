import * as z from 'zod';
import { ASYNC_STATUSES, utcSeconds } from '../async-records';
import { parseWith } from '../function-configuration';
import type { Operation } from '../operation';
import { pageOf } from '../paging';
import { functionOfUrn } from '../platform';

const PAGE_SIZE = { default: 100, max: 500, beyond: 'refused' } as const;
const HOUR_MS = 3_600_000;

/** `YYYY-MM-DDTHH:mm:ss` in UTC, to milliseconds. */
const utcTime = z
  .string()
  .transform((text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN))
  .refine((timeMs) => !Number.isNaN(timeMs), 'must be a UTC time like 2026-06-01T08:30:00');

const filter = z.object({
  request_id: z.string().optional(),
  status: z.enum(ASYNC_STATUSES).optional(),
  query_begin_time: utcTime.optional(),
  query_end_time: utcTime.optional(),
});

/** Lists the fate of asynchronous events, newest first. Without a start time, those of the last hour. */
export const listAsyncInvocations: Operation = {
  method: 'GET',
  path: 'fgs/functions/{urn}/async-invocations',
  handle(platform, { params, query }) {
    const { asyncRecords } = functionOfUrn(platform, params.urn ?? '');
    const wanted = parseWith(filter, Object.fromEntries(query), 'FSS.0400');
    const nowMs = platform.clock();
    const { query_begin_time: beginMs = nowMs - HOUR_MS, query_end_time: endMs = nowMs } = wanted;
    const matching = [...asyncRecords.values()]
      .reverse()
      .filter(
        ({ requestId, status, startMs }) =>
          requestId === (wanted.request_id ?? requestId) &&
          status === (wanted.status ?? status) &&
          startMs >= beginMs &&
          startMs <= endMs,
      );
    const { page, nextMarker } = pageOf(matching, query, 'limit', PAGE_SIZE);
    return {
      status: 200,
      body: {
        invocations: page.map(({ requestId, status, errorCode, errorMessage, startMs, endMs: doneMs }) => ({
          request_id: requestId,
          status,
          error_message: errorMessage,
          error_code: errorCode,
          start_time: utcSeconds(startMs),
          end_time: doneMs === undefined ? '' : utcSeconds(doneMs),
        })),
        count: matching.length,
        next_marker: nextMarker,
      },
    };
  },
};
