import type { Notice, Quota } from '../../server/console-api';
import { ConsoleRefusal } from '../console-source';
import {
  LATER,
  NOTICES,
  noticeDueNow,
  type PendingNotice,
  readNotice,
  readRefused,
  refusedRecords,
  WAITING,
  waitingUploads,
} from '../records';
import type { Bucket } from './bucket';

/** What MPC documents for each operation of a project. */
const MPC_CALLS_PER_MINUTE = 100;
const MOST_NOTICES = 50;
/** Of 1,000 records each; records beyond are not counted. */
const MAX_PAGES = 3;

/** The functions' records in the snapshot bucket, as far as the caller may read them. */
export class RecordListing {
  readonly #bucket: Bucket;
  #notices: ReadonlyMap<string, PendingNotice> = new Map();
  readonly #seen = new Map<string, Notice>();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async quota(): Promise<Quota> {
    const [waiting, later] = await Promise.all([WAITING, LATER].map((prefix) => this.#objects(prefix)));
    const { next, count: refusedCount } = refusedRecords(later ?? []);
    const refused = await Promise.all(
      next.map(async ({ key }) =>
        // Started in the meantime, or not readable.
        readRefused(key, await this.#bucket.read(key).catch(() => undefined)),
      ),
    );
    return {
      callsPerMinute: MPC_CALLS_PER_MINUTE,
      ...(waiting !== undefined && { waiting: waitingUploads(waiting) }),
      ...(later !== undefined && {
        later: waitingUploads(later),
        refused: refused.filter((one) => one !== undefined),
        refusedCount,
      }),
    };
  }

  /** The notices that wait, and those that waited at an earlier look: sent notices leave no record. */
  async notices(): Promise<Notice[]> {
    const objects = (await this.#objects(NOTICES)) ?? [];
    const texts = await Promise.all(
      objects.slice(0, MOST_NOTICES).map(async ({ key }) => ({
        key,
        // Sent in the meantime, or not readable.
        text: await this.#bucket.read(key).catch(() => ''),
      })),
    );
    const pending = texts.flatMap(({ key, text }) => readNotice(key, text) ?? []);
    this.#notices = new Map(pending.map((notice) => [notice.record.id, notice]));
    for (const notice of pending.map(noticeView)) this.#seen.set(notice.id, notice);
    return [...this.#seen.values()].map(({ nextAttemptAtMs, ...notice }) => {
      const isPending = this.#notices.has(notice.id);
      return isPending && nextAttemptAtMs !== undefined
        ? { ...notice, nextAttemptAtMs }
        : { ...notice, state: 'gone' };
    });
  }

  /** Makes a notice due at once: the next run of on-finish's timer sends it. @throws ConsoleRefusal 404, 502 */
  async sendNow(id: string): Promise<void> {
    await this.notices();
    const notice = this.#notices.get(id);
    if (notice === undefined) {
      throw new ConsoleRefusal(404, `notice ${id} is no longer waiting: sent notices leave no record`);
    }
    const { recordKey, body } = noticeDueNow(notice);
    await this.#bucket.write(recordKey, body);
    if (recordKey !== notice.recordKey) await this.#bucket.delete(notice.recordKey);
  }

  /** @returns undefined where the caller may not list them */
  #objects(prefix: string) {
    return this.#bucket.list(prefix, { maxPages: MAX_PAGES }).catch((error: unknown) => {
      if (error instanceof ConsoleRefusal) return undefined;
      throw error;
    });
  }
}

function noticeView({ dueMs, record: { id, type, timestamp, data, attempts } }: PendingNotice): Notice {
  return {
    id,
    type,
    task: data.task_id,
    timeMs: Date.parse(timestamp),
    state: attempts > 0 ? 'retrying' : 'due',
    attempts,
    nextAttemptAtMs: dueMs,
  };
}
