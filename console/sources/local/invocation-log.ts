import type { Invocation as Change } from '../../../local/functiongraph/functiongraph';
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
    const invocation: InvocationDetail = known ?? {
      requestId,
      functionName,
      trigger,
      state,
      acceptedAtMs: timeMs,
      attempts: [],
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
