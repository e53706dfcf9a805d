import * as z from 'zod';
import type { Invocation as Change } from '../../../local/functiongraph/functiongraph';
import { parseJson } from '../../../local/parse-json';
import { type AttemptDetail, type Invocation, type InvocationDetail, LIMITS } from '../../server/console-api';
import { Recent } from '../../server/recent';

/** Longer events and results are cut: what is kept must stay small whatever passes through. */
const MAX_TEXT = 64 * 1024;
const MAX_LINE = 4 * 1024;

/** The last invocations with their logs. */
export class InvocationLog {
  readonly #invocations = new Recent<InvocationDetail>(LIMITS.invocations);

  /** Takes down a change in the life of an invocation. */
  record(change: Change): void {
    const { requestId, functionName, trigger, state, timeMs, event, discardReason } = change;
    const known = this.#invocations.get(requestId);
    const about = known === undefined && trigger !== 'APIG' ? aboutOf(event) : undefined;
    const invocation: InvocationDetail = known ?? {
      requestId,
      functionName,
      trigger,
      state,
      acceptedAtMs: timeMs,
      attempts: [],
      ...(about !== undefined && { about }),
      event: cut(event, MAX_TEXT),
    };
    invocation.state = state;
    if (discardReason !== undefined) invocation.discardReason = discardReason;
    recordAttempt(invocation.attempts, change);
    this.#invocations.set(requestId, invocation);
  }

  /** Newest first, without logs. */
  list(): Invocation[] {
    return this.#invocations.list().map(summary);
  }

  summary(requestId: string): Invocation | undefined {
    const known = this.#invocations.get(requestId);
    return known && summary(known);
  }

  detail(requestId: string): InvocationDetail | undefined {
    return this.#invocations.get(requestId);
  }
}

const TimerEvent = z.object({ trigger_type: z.literal('TIMER'), trigger_name: z.string() });
const TopicEvent = z.object({ record: z.tuple([z.object({ smn: z.object({ message: z.string() }) })]) });
const TaskMessage = z.object({
  thumbnail_info: z.object({ task_id: z.string(), input: z.object({ object: z.string() }) }),
});

function aboutOf(event: string): string | undefined {
  const value = parseJson(event);
  const timer = TimerEvent.safeParse(value).data;
  if (timer !== undefined) return timer.trigger_name;
  const [topic] = TopicEvent.safeParse(value).data?.record ?? [];
  const { data } = TaskMessage.safeParse(topic && parseJson(topic.smn.message));
  return data && `task ${data.thumbnail_info.task_id} of ${data.thumbnail_info.input.object}`;
}

function recordAttempt(attempts: AttemptDetail[], { state, attempt: number, timeMs, outcome }: Change): void {
  if (state === 'running') attempts.push({ number, startedAtMs: timeMs });
  const current = attempts.at(-1);
  if (outcome === undefined || current === undefined) return;
  const { durationMs, memoryMb, cold: isCold, isError, log, body } = outcome;
  Object.assign(current, {
    durationMs,
    memoryMb,
    isCold,
    isError,
    logLineCount: log.length,
    log: log.slice(-LIMITS.logLines).map((line) => ({ ...line, text: cut(line.text, MAX_LINE) })),
    result: cut(body, MAX_TEXT),
  } satisfies Partial<AttemptDetail>);
}

function summary({ event: _, attempts, ...invocation }: InvocationDetail): Invocation {
  return { ...invocation, attempts: attempts.map(({ log: _log, result: _result, ...attempt }) => attempt) };
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}… (${text.length} characters)`;
}
