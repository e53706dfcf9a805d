import * as z from 'zod';
import { type CloudApi, readAnswer } from './cloud-api';
import { withAdvice } from './deploy';
import { type DesiredFunction, functionNamed } from './desired-state';
import { DeployError } from './errors';
import type { FunctionGraphApi } from './functiongraph-api';
import { type LogLine, lineText, readLogLine } from './log-lines';
import type { Session } from './session';

/** The log group and stream of a function. */
interface Place {
  groupId: string;
  streamId: string;
}

/** A query to a stream. */
export interface Question {
  fromMs: number;
  toMs: number;
  /** Words that a line must contain; empty: all lines. */
  keywords: string;
}

const Page = z.object({
  logs: z.array(z.object({ content: z.string(), line_num: z.string() })).nullish(),
  isQueryComplete: z.boolean().nullish(),
  scrollId: z.string().nullish(),
});

/** The largest page on which the sources agree. */
const LINES_PER_PAGE = 100;
const TAIL_PAUSE_MS = 2000;
/** Lines arrive late and out of order: every query reaches back so far. */
const LATE_MS = 60_000;
const DEFAULT_SINCE = '1h';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Prints the log of a stage's functions, oldest line first. With `tail` it goes on with new lines until `nextLook` returns
 * false.
 *
 * @param nextLook waits so many ms; false ends the tail
 * @throws DeployError
 */
export async function logs(
  { desired, api, options, print }: Session,
  nextLook: (ms: number) => Promise<unknown> = api.cloud.pause,
): Promise<void> {
  const functions =
    options.function === undefined ? desired.functions : [functionNamed(desired, options.function)];
  const names = new Set(functions.map(({ name }) => name));
  let fromMs = Date.now() - sinceMs(options.since);
  const places = await withAdvice(() => placesOf(functions, api));
  const attribution = new Attribution((line) => {
    // Other functions may write into the same stream.
    if (line.function !== undefined && !names.has(line.function)) return;
    print(options.json === true ? JSON.stringify(line) : lineText(line));
  });
  const seen = new Set<string>();
  const keywords = options.request ?? '';
  for (;;) {
    const toMs = Date.now();
    for (const place of places) {
      const question = { fromMs, toMs: toMs + LATE_MS, keywords };
      await withAdvice(async () => {
        for await (const { line_num, content } of linesOf(place, question, api.cloud)) {
          if (seen.has(line_num)) continue;
          seen.add(line_num);
          attribution.take(readLogLine(content));
        }
      });
    }
    attribution.handOn(options.tail === true && options.function !== undefined);
    if (options.tail !== true) return;
    fromMs = Math.max(fromMs, toMs - LATE_MS);
    if ((await nextLook(TAIL_PAUSE_MS)) === false) return;
  }
}

/**
 * The platform's lines name the invocation but not the function. The function is known from the function's own lines of
 * that invocation. Until one comes, the platform's lines wait.
 */
class Attribution {
  readonly #functions = new Map<string, string>();
  #waiting: LogLine[] = [];

  constructor(private readonly emit: (line: LogLine) => void) {}

  take(line: LogLine): void {
    const { request_id: id, function: name } = line;
    if (id !== undefined && name !== undefined) this.#functions.set(id, name);
    this.#waiting.push(line);
  }

  /** Passes on lines in the order of arrival. @param mayWait keeps lines whose function is still unknown */
  handOn(mayWait: boolean): void {
    const left: LogLine[] = [];
    for (const line of this.#waiting) {
      const name = line.function ?? this.#functions.get(line.request_id ?? '');
      if (name === undefined && mayWait) left.push(line);
      else this.emit(name === undefined ? line : { ...line, function: name });
    }
    this.#waiting = left;
  }
}

/**
 * The lines of these functions in the order in which each log has them, with their numbers in it.
 * @throws DeployError when none of the functions keeps logs; CallFailed
 */
export async function* functionLines(
  functions: readonly DesiredFunction[],
  question: Question,
  api: FunctionGraphApi,
): AsyncGenerator<{ id: string; line: LogLine }> {
  for (const place of await placesOf(functions, api)) {
    for await (const { line_num, content } of linesOf(place, question, api.cloud))
      yield { id: `${place.streamId}/${line_num}`, line: readLogLine(content) };
  }
}

/** @throws DeployError when none of the functions keeps logs */
async function placesOf(functions: readonly DesiredFunction[], api: FunctionGraphApi): Promise<Place[]> {
  const live = await Promise.all(functions.map(({ name }) => api.showFunction(name)));
  const places = new Map<string, Place>();
  for (const one of live) {
    const { log_group_id: groupId, log_stream_id: streamId } = one ?? {};
    if (groupId && streamId) places.set(`${groupId}/${streamId}`, { groupId, streamId });
  }
  if (places.size > 0) return [...places.values()];
  const names = functions.map(({ name }) => name).join(', ');
  throw new DeployError([
    live.some((one) => one !== undefined)
      ? `${names}: no logs are kept: set LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID and LTS_STREAM_NAME (\`npm run setup\` makes and writes them) and deploy`
      : `${names}: not deployed`,
  ]);
}

/** LTS ListLogs, page by page, oldest line first. @throws CallFailed */
async function* linesOf(
  { groupId, streamId }: Place,
  { fromMs, toMs, keywords }: Question,
  cloud: CloudApi,
): AsyncGenerator<{ content: string; line_num: string }> {
  const path = `/v2/${cloud.connection.projectId}/groups/${groupId}/streams/${streamId}/content/query`;
  const question = {
    start_time: String(fromMs),
    end_time: String(toMs),
    limit: LINES_PER_PAGE,
    is_desc: false,
    ...(keywords !== '' && { keywords }),
  };
  let next: { line_num: string; search_type: 'forwards' } | { scroll_id: string } | undefined;
  for (;;) {
    const { body } = await cloud.call('lts', { method: 'POST', path, body: { ...question, ...next } });
    const { logs: lines, isQueryComplete, scrollId } = readAnswer(Page, body, 'the logs', 'LTS');
    yield* lines ?? [];
    const last = lines?.at(-1)?.line_num;
    // LTS answers a long search in parts.
    if (isQueryComplete === false && scrollId) next = { scroll_id: scrollId };
    else if (last !== undefined && lines?.length === LINES_PER_PAGE) {
      next = { line_num: last, search_type: 'forwards' };
    } else return;
  }
}

/** @throws DeployError */
function sinceMs(text = DEFAULT_SINCE): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (unitMs === undefined) {
    throw new DeployError([
      `--since must be a number with s, m, h or d, such as 90s, 10m, 1h or 2d, got "${text}"`,
    ]);
  }
  return Number(count) * unitMs;
}
