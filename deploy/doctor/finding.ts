import * as z from 'zod';
import { CallFailed } from '../cloud-api';

/**
 * The state of one point. `ok`; `missing`: the service cannot work without it; `unseen`: the access key may not see it;
 * `note`: it works, but the user should know something.
 */
export type State = 'ok' | 'missing' | 'unseen' | 'note';

/** The result for one point. */
export interface Finding {
  /** Short name, for example `bucket my-videos`. */
  point: string;
  state: State;
  /** What was found. */
  text: string;
  /** What to do; absent if nothing is to be done. */
  todo?: string;
}

/** The answer to a question to the cloud, or why there is none. */
export type Probe<T> = { ok: true; found: T } | { ok: false; status: number; reason: string };

/** Asks the cloud. Refusals and answers of an unknown format become a reason. */
export async function probe<T>(work: () => Promise<T>): Promise<Probe<T>> {
  try {
    return { ok: true, found: await work() };
  } catch (error) {
    if (error instanceof CallFailed) {
      return { ok: false, status: error.status, reason: error.message };
    }
    if (error instanceof z.ZodError) {
      return { ok: false, status: 200, reason: 'the answer has an unknown format' };
    }
    throw error;
  }
}
