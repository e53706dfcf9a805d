import { randomInt } from 'node:crypto';
import { type FaultDial, parseFaults, parseSeed, SEED_RANGE } from '../faults/parse-faults';
import { UsageError } from '../usage-error';

/** What `start` and `exec` take besides their own options. */
export const FAULT_OPTIONS = { faults: { type: 'string' }, seed: { type: 'string' } } as const;

/**
 * Reads `--faults` and `--seed` and prints what the run can be had again with.
 * @returns undefined when nothing is to go wrong
 * @throws UsageError
 */
export function readFaults(values: {
  faults?: string | undefined;
  seed?: string | undefined;
}): FaultDial | undefined {
  if (values.faults === undefined) {
    if (values.seed !== undefined) throw new UsageError('--seed decides about --faults: give these too');
    return undefined;
  }
  const shares = parseFaults(values.faults);
  const seed = values.seed === undefined ? randomInt(SEED_RANGE) : parseSeed(values.seed);
  // Standard output belongs to the command that is run.
  process.stderr.write(`faults ${values.faults}; again with --seed ${seed}\n`);
  return { shares, seed };
}
