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

/** What one look at the cloud brought. */
export type Look<T> = { isSeen: true; found: T } | { isSeen: false; status: number; reason: string };

/** Looks, and turns refusals and answers of an unknown form into a reason. */
export async function look<T>(work: () => Promise<T>): Promise<Look<T>> {
  try {
    return { isSeen: true, found: await work() };
  } catch (error) {
    if (error instanceof CallFailed) {
      return { isSeen: false, status: error.status, reason: error.message };
    }
    if (error instanceof z.ZodError) {
      return { isSeen: false, status: 200, reason: 'the answer has a form that is not known here' };
    }
    throw error;
  }
}
