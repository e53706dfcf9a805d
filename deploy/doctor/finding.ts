import * as z from 'zod';
import { CallFailed } from '../cloud-api';

/**
 * What is the matter with one point: `ok`; `missing` keeps the service from working; `unseen`, the access
 * key may not look; `note`, it works, and somebody should know.
 */
export type State = 'ok' | 'missing' | 'unseen' | 'note';

/** What was found of one point. */
export interface Finding {
  /** Short name, such as `bucket my-videos`. */
  point: string;
  state: State;
  /** What is so. */
  text: string;
  /** What to do next; absent where there is nothing to do. */
  todo?: string;
}

/** What a question to the cloud found, or why it could not be answered. */
export type Probe<T> = { ok: true; found: T } | { ok: false; status: number; reason: string };

/** Asks, and turns refusals and answers of an unknown form into a reason. */
export async function probe<T>(work: () => Promise<T>): Promise<Probe<T>> {
  try {
    return { ok: true, found: await work() };
  } catch (error) {
    if (error instanceof CallFailed) {
      return { ok: false, status: error.status, reason: error.message };
    }
    if (error instanceof z.ZodError) {
      return { ok: false, status: 200, reason: 'the answer has a form that is not known here' };
    }
    throw error;
  }
}
