import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { Invocation } from '../../../local/functiongraph/functiongraph';
import { parseJson } from '../../../local/parse-json';
import { LIMITS, type Notice } from '../../server/console-api';
import { Recent } from '../../server/recent';
import { type PendingNotice, readNotice } from '../records';

/** What on-finish logs of an attempt. */
const AttemptLine = z.looseObject({
  event: z.enum(['notice.sent', 'notice.not_sent', 'notice.given_up']),
  notice: z.string(),
  attempt: z.number(),
  status: z.number().optional(),
  failure: z.string().optional(),
  message: z.string().optional(),
});
type AttemptLine = z.infer<typeof AttemptLine>;

interface LoggedNotice {
  /** As last written: what was sent is no longer in the bucket. */
  written: PendingNotice;
  isPending: boolean;
  last?: AttemptLine & { timeMs: number };
}

/** The notices that were seen, from their records in the bucket and from the functions' logs. */
export class NoticeLog {
  readonly #notices = new Recent<LoggedNotice>(LIMITS.notices);

  /** A record is there. @returns the notice's id; undefined for what is none */
  recordWritten(recordKey: string, filePath: string): string | undefined {
    const written = readNotice(recordKey, textOf(filePath));
    if (written === undefined) return undefined;
    const { id } = written.record;
    const known = this.#notices.get(id);
    // A later attempt replaces the last answer only once it has started.
    const last = written.record.attempts === 0 ? undefined : known?.last;
    this.#notices.set(id, { written, isPending: true, ...(last !== undefined && { last }) });
    return id;
  }

  /** A record is gone. @returns the notice's id */
  recordDeleted(recordKey: string): string | undefined {
    const id = /\d{14}-([^/]*)\.json$/.exec(recordKey)?.[1];
    const notice = id === undefined ? undefined : this.#notices.get(id);
    // The record of the next attempt is written before that of the last one goes.
    if (notice === undefined || notice.written.recordKey !== recordKey) return undefined;
    notice.isPending = false;
    return id;
  }

  /** Reads an invocation that ended. @returns ids of the notices that it tried to send */
  record({ outcome }: Invocation): string[] {
    return (outcome?.log ?? []).flatMap(({ text, timeMs }) => {
      if (!text.includes('"notice.')) return [];
      const { data } = AttemptLine.safeParse(parseJson(text));
      const notice = data && this.#notices.get(data.notice);
      if (data === undefined || notice === undefined) return [];
      notice.last = { ...data, timeMs };
      return [data.notice];
    });
  }

  find(id: string): PendingNotice | undefined {
    return this.#notices.get(id)?.written;
  }

  isPending(id: string): boolean {
    return this.#notices.get(id)?.isPending === true;
  }

  /** Newest first. */
  list(): Notice[] {
    return this.#notices.list().map(view);
  }

  view(id: string): Notice | undefined {
    const notice = this.#notices.get(id);
    return notice && view(notice);
  }
}

function view({ written: { record, dueMs }, isPending, last }: LoggedNotice): Notice {
  const { id, type, timestamp, data, attempts } = record;
  return {
    id,
    type,
    task: data.task_id,
    timeMs: Date.parse(timestamp),
    state: isPending
      ? attempts > 0
        ? 'retrying'
        : 'due'
      : last?.event === 'notice.given_up'
        ? 'given_up'
        : last === undefined
          ? 'due'
          : 'sent',
    attempts: Math.max(attempts, last?.attempt ?? 0),
    ...(last !== undefined && {
      lastAnswer: last.event === 'notice.sent' ? '2xx' : answerIn(last),
      lastAttemptAtMs: last.timeMs,
    }),
    ...(isPending && { nextAttemptAtMs: dueMs }),
  };
}

function answerIn({ status, failure, message }: AttemptLine): string {
  return status === undefined ? (message ?? failure ?? 'no answer').split('\n', 1).join('') : String(status);
}

/** Of an object. */
export function textOf(filePath: string): string {
  try {
    return readFileSync(filePath, 'utf8');
  } catch {
    // Replaced or sent meanwhile.
    return '';
  }
}
