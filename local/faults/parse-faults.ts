import { UsageError } from '../usage-error';

/** All faults, with what they do. */
export const FAULTS = {
  duplicate: 'an event comes twice',
  reorder: 'an event comes after the next one',
  drop: 'an event never comes',
  delay: 'an event comes up to 5 s late',
  'mpc.429': 'the quota refuses calls to MPC for a second',
  'mpc.burst': 'another caller uses up the quota: MPC refuses every call for up to 20 s',
  'mpc.500': 'MPC fails before it does anything',
  'mpc.502': 'the gateway does not reach MPC',
  'mpc.slow': 'MPC executes the call at once and answers after up to 12 s',
  'mpc.late': 'the call reaches MPC after up to 12 s, even if the caller has given up',
  'mpc.reset': 'the connection breaks before MPC sees the call',
  'mpc.reset-after-accept': 'MPC executes the call, and the connection breaks before the answer',
  'mpc.500-after-accept': 'MPC executes the call and answers 500',
  'obs.503': 'OBS is too busy',
  'obs.reset-after': 'OBS executes the call, and the connection breaks before the answer',
  'smn.drop': 'a message of a topic never comes',
  'smn.duplicate': 'a message of a topic comes twice',
  'smn.delay': 'a message of a topic comes up to 5 s late',
  credentials: "an invocation's temporary key expires at one of its calls",
  crash: 'an instance is killed at one of its calls, before or after the call is served',
} as const;

export type FaultName = keyof typeof FAULTS;

/** How often each fault happens, from 0 to 1: per event, per call, or (credentials, crash) per invocation. */
export type FaultShares = Partial<Record<FaultName, number>>;

/** Which faults happen, and the seed that repeats the run. */
export interface FaultDial {
  shares: FaultShares;
  /** Whole number from 0 to 2³² − 1. */
  seed: number;
}

/** Seeds have 32 bits. */
export const SEED_RANGE = 2 ** 32;

/**
 * Reads a list such as `duplicate=0.2,mpc.429=0.1`.
 * @param known the possible faults; default: all between the services
 * @throws UsageError that names the mistake and lists the possible faults
 */
export function parseFaults(text: string): FaultShares;
export function parseFaults<Name extends string>(
  text: string,
  known: Readonly<Record<Name, string>>,
): Partial<Record<Name, number>>;
export function parseFaults(
  text: string,
  known: Readonly<Record<string, string>> = FAULTS,
): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue;
    const [name = '', value = ''] = item.split(/=(.*)/s).map((part) => part.trim());
    if (!Object.hasOwn(known, name)) {
      throw new UsageError(`--faults: there is no fault "${name}". The faults are:\n${list(known)}`);
    }
    const share = value === '' ? Number.NaN : Number(value);
    if (!(share >= 0 && share <= 1)) {
      throw new UsageError(
        `--faults: ${name} must be a share from 0 to 1, got "${value}". The faults are:\n${list(known)}`,
      );
    }
    shares[name] = share;
  }
  return shares;
}

/**
 * Reads the seed of a run.
 * @throws UsageError
 */
export function parseSeed(text: string): number {
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seed < SEED_RANGE) return seed;
  throw new UsageError(`--seed must be a whole number from 0 to ${SEED_RANGE - 1}, got "${text}"`);
}

function list(known: Readonly<Record<string, string>>): string {
  return Object.entries(known)
    .map(([name, effect]) => `  ${name.padEnd(22)} ${effect}`)
    .join('\n');
}
