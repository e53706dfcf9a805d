import type { Invocation } from '../installation/invocation';
import { remember } from '../tasks/waiting';
import { captureUpload, type Outcome, outcomeOf } from './capture-upload';
import { reasonToSkip, type Upload } from './upload-event';

/** Why an upload was not started, although nothing is wrong with it: others come first. */
const NO_TURN: ReadonlySet<string> = new Set(['no_turn', 'mpc_is_full', 'no_time_left']);
/** A sweep comes every minute. Were there none, uploads must not wait for it. */
const BEHIND_FOR_MS = 2 * 60_000;

// Of this instance, which is the only one. Another one finds out by itself.
let behindUntilMs = 0;

/** Says whether uploads wait for their turn: while they do, none that comes is started before them. */
export function setBehind(isBehind: boolean): void {
  behindUntilMs = isBehind ? Date.now() + BEHIND_FOR_MS : 0;
}

export function isWithoutTurn(outcome: Outcome): boolean {
  return 'failed' in outcome && NO_TURN.has(outcome.failed);
}

/** Starts the capture of an upload that has just come, or remembers it for the sweep when others come first. */
export async function captureOrRemember(
  upload: Upload,
  isTimeLeft: boolean,
  invocation: Invocation,
): Promise<Outcome> {
  const skipped = reasonToSkip(upload, invocation.settings);
  if (skipped !== undefined) return { skipped };
  const outcome: Outcome =
    Date.now() < behindUntilMs || !isTimeLeft
      ? { failed: 'no_turn' }
      : await captureUpload(upload, invocation);
  if (!isWithoutTurn(outcome)) return outcome;
  if (Date.now() >= behindUntilMs) setBehind(true);
  try {
    await remember(upload, Date.now(), invocation);
    return { deferred: 'failed' in outcome ? outcome.failed : 'no_turn' };
  } catch (error) {
    return outcomeOf(error, upload, invocation);
  }
}
