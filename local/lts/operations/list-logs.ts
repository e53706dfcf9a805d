import * as z from 'zod';
import { invalidBody } from '../errors';
import { type Operation, readBody } from '../operation';

const time = z.string().regex(/^\d{13}$/, 'must be a time in ms since 1970, as a string');

const body = z.object({
  start_time: time,
  end_time: time,
  keywords: z.string().default(''),
  is_desc: z.boolean().default(false),
  limit: z.int().min(1).max(100).default(50),
  /** The line after which to go on; needs `search_type`. */
  line_num: z
    .string()
    .regex(/^\d{19}$/)
    .optional(),
  search_type: z.enum(['init', 'forwards', 'backwards']).default('init'),
  /** Where to continue an incomplete search. */
  scroll_id: z
    .string()
    .regex(/^\d{19}$/)
    .optional(),
});

/** The lines of a stream within some time (LTS API reference, querying logs). */
export const listLogs: Operation = {
  on: 'POST /v2/{project_id}/groups/{log_group_id}/streams/{log_stream_id}/content/query',
  action: 'lts:logs:list',
  run({ names, body: sent }, { logs, behaviour }) {
    const query = readBody(sent, body);
    const { lines } = logs.stream(names.log_group_id ?? '', names.log_stream_id ?? '');
    if (query.search_type === 'backwards')
      throw invalidBody('the local cloud has no search_type "backwards"');
    if ((query.search_type === 'forwards') !== (query.line_num !== undefined)) {
      throw invalidBody('line_num and search_type "forwards" need each other');
    }
    const startMs = Number(query.start_time);
    const endMs = Number(query.end_time);
    if (startMs > endMs) throw invalidBody('start_time must not be later than end_time');
    const found = lines.find(
      {
        startMs,
        endMs,
        keywords: query.keywords.split(/\s+/).filter((word) => word !== ''),
        limit: query.limit,
        isDescending: query.is_desc,
        after: query.scroll_id ?? query.line_num,
      },
      behaviour.linesPerSearch,
    );
    return {
      status: 200,
      body: {
        count: found.lines.length,
        logs: found.lines.map(({ content, lineNum }) => ({ content, line_num: lineNum, labels: {} })),
        isQueryComplete: found.isComplete,
        ...(found.stoppedAt !== undefined && { scrollId: found.stoppedAt }),
      },
    };
  },
};
