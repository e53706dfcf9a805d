import * as z from 'zod';
import type { MpcCalls } from '../../server/console-api';
import { MpcCallCounter } from '../mpc-calls';

/** A line that a function of the stage logged. */
export interface LoggedLine {
  /** Grows within a log. */
  id: string;
  fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads the functions' log: lines with a word in them that LTS got between two moments (ms since the epoch), oldest first.
 * `function` of a line is its name in `serverless.yml`.
 */
export type ReadLog = (question: { fromMs: number; toMs: number; word: string }) => AsyncIterable<LoggedLine>;

/** docs/log-events.md */
const EVENT = 'mpc.called';
const Call = z.looseObject({
  event: z.literal(EVENT),
  time: z.iso.datetime(),
  function: z.string(),
  operation: z.string(),
  status: z.number().optional(),
  attempts: z.number(),
});

const HOUR_MS = 3_600_000;
/** Lines arrive late and out of order: every read goes back as far as this. */
const LATE_MS = 60_000;

/** The functions' calls of MPC in the last hour, from their log. */
export class LoggedCalls {
  readonly #read: ReadLog;
  readonly #counter = new MpcCallCounter();
  /** Lines that were counted, with the moment of their call, ms since the epoch. */
  readonly #counted = new Map<string, number>();
  #readUntilMs = 0;
  #reading: Promise<MpcCalls[]> | undefined;

  constructor(read: ReadLog) {
    this.#read = read;
  }

  /** Newest first. */
  list(): MpcCalls[] {
    return this.#counter.list();
  }

  /** Reads what has come since. @returns the minutes that have changed @throws what the reading of the log throws */
  update(): Promise<MpcCalls[]> {
    this.#reading ??= this.#update().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #update(): Promise<MpcCalls[]> {
    const nowMs = Date.now();
    const fromMs = Math.max(nowMs - HOUR_MS, this.#readUntilMs - LATE_MS);
    const changed = new Map<string, MpcCalls>();
    for await (const { id, fields } of this.#read({ fromMs, toMs: nowMs + LATE_MS, word: EVENT })) {
      const { data: call } = Call.safeParse(fields);
      if (call === undefined || this.#counted.has(id)) continue;
      const timeMs = Date.parse(call.time);
      this.#counted.set(id, timeMs);
      const calls = this.#counter.add({
        timeMs,
        operation: call.operation,
        caller: call.function,
        count: call.attempts,
        refused: call.status === 429 ? call.attempts : 0,
      });
      changed.set(calls.id, calls);
    }
    for (const [id, timeMs] of this.#counted) if (timeMs < nowMs - HOUR_MS) this.#counted.delete(id);
    this.#readUntilMs = nowMs;
    return [...changed.values()];
  }
}
