import { randomInt } from 'node:crypto';
import { FAULTS, type FaultDial, parseFaults, parseSeed, SEED_RANGE } from '../faults/parse-faults';
import { UsageError } from '../usage-error';

/** Options of `start` and `exec` that inject faults. */
export const FAULT_OPTIONS = { faults: { type: 'string' }, seed: { type: 'string' } } as const;

interface FaultValues {
  faults?: string | undefined;
  seed?: string | undefined;
}

/**
 * Reads `--faults` and `--seed`, and prints how to repeat the run.
 * @param known the possible faults; default: all between the services
 * @returns undefined if no fault is wanted
 * @throws UsageError
 */
export function readFaults(values: FaultValues): FaultDial | undefined;
export function readFaults<Name extends string>(
  values: FaultValues,
  known: Readonly<Record<Name, string>>,
): { shares: Partial<Record<Name, number>>; seed: number } | undefined;
export function readFaults(
  values: FaultValues,
  known: Readonly<Record<string, string>> = FAULTS,
): { shares: Record<string, number | undefined>; seed: number } | undefined {
  if (values.faults === undefined) {
    if (values.seed !== undefined) throw new UsageError('--seed needs --faults');
    return undefined;
  }
  const shares = parseFaults(values.faults, known);
  const seed = values.seed === undefined ? randomInt(SEED_RANGE) : parseSeed(values.seed);
  // Standard output belongs to the command.
  process.stderr.write(`faults ${values.faults}; repeat with --seed ${seed}\n`);
  return { shares, seed };
}
