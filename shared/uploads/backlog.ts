import type { Invocation } from '../installation/invocation';
import { inLine, remember, rememberForLater } from '../tasks/waiting';
import { captureUpload, isWithoutTurn, type Outcome, outcomeOf } from './capture-upload';
import { reasonToSkip, type Upload } from './upload-event';

/** The sweep runs every minute. If it does not run, uploads must not wait for it. */
const BEHIND_FOR_MS = 2 * 60_000;

// There is only one instance. A new one learns this from its first upload that has to wait.
let behindUntilMs = 0;

/** Says whether uploads wait. While they do, no new upload starts before them. */
export function setBehind(isBehind: boolean): void {
  behindUntilMs = isBehind ? Date.now() + BEHIND_FOR_MS : 0;
}

/** True when others come first: a new upload is only remembered. */
export function comesBehind(): boolean {
  return Date.now() < behindUntilMs;
}

/** Starts the captures of a new upload, or remembers it for the sweep when others come first. */
export async function captureOrRemember(
  upload: Upload,
  isTimeLeft: boolean,
  invocation: Invocation,
): Promise<Outcome[]> {
  const skipped = reasonToSkip(upload, invocation.settings);
  if (skipped) return [{ skipped }];
  const outcomes: Outcome[] =
    comesBehind() || !isTimeLeft ? [{ failed: 'no_turn' }] : await captureUpload(upload, invocation);
  if (!outcomes.some(isWithoutTurn)) return outcomes;
  if (!comesBehind()) setBehind(true);
  try {
    // The same key as the sweep writes, so that there is one record.
    await remember(inLine(upload, upload.lastModifiedMs ?? Date.now(), invocation), invocation);
    return outcomes.map((outcome) =>
      isWithoutTurn(outcome) ? { capture: outcome.capture, deferred: outcome.failed } : outcome,
    );
  } catch (error) {
    return [...outcomes.filter((outcome) => !isWithoutTurn(outcome)), outcomeOf(error, upload, invocation)];
  }
}

/**
 * Remembers an upload of which a capture could not be started.
 * @returns the key of its record; undefined when none failed
 * @throws what OBS throws
 */
export async function rememberFailed(
  upload: Pick<Upload, 'bucket' | 'key'>,
  outcomes: readonly Outcome[],
  invocation: Invocation,
): Promise<string | undefined> {
  const failures = outcomes.flatMap((outcome) => ('failed' in outcome ? [outcome] : []));
  if (failures.length === 0) return undefined;
  // A capture that MPC may accept soon decides when all are tried again.
  const againAtMs = Math.min(...failures.map(({ again_at_ms = 0 }) => again_at_ms));
  const isSought = failures.some(({ failed }) => failed === 'claim_not_settled');
  return rememberForLater(upload, invocation, againAtMs, isSought ? 0 : undefined);
}
