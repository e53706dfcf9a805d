import { CallFailed } from '../cloud-api';
import { failureOf, type Inspection, inspect, type Obstacle, type Part, type Step } from './part';

/** The context for setting up or removing. */
export interface Work {
  parts: readonly Part[];
  region: string;
  /** The sign before each step: `+` or `-`. */
  sign: '+' | '-';
  dryRun: boolean;
  /** Asks before anything is done. */
  confirm: () => Promise<boolean>;
  print: (line: string) => void;
  /** Asks a separate question, after `confirm`. */
  ask: (question: string) => Promise<boolean>;
  /** Waits so many ms. */
  pause: (ms: number) => Promise<unknown>;
  /** Called before the first step. */
  onStart?: () => void;
}

export interface Outcome {
  is: 'nothing to do' | 'shown' | 'declined' | 'done' | 'incomplete';
  values: Readonly<Record<string, string>>;
}

/** Each round has less to do: it only repeats steps whose answers were lost. */
const ROUNDS = 3;
/** How often to look again, after 1 s, 2 s, 4 s, …: new things may be missing from lists for a moment. */
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 1000;

/**
 * Looks at the parts, shows the steps, asks, carries them out, and looks again. A refused part does not stop the others.
 * It keeps no state, so it may be interrupted anywhere and run again.
 */
export async function carryOut({ parts, region, sign, print, ...work }: Work): Promise<Outcome> {
  const inspectAll = () => Promise.all(parts.map((part) => inspect(part, region)));
  let inspections = await inspectAll();
  show(parts, inspections, sign, print);
  const values = () => Object.assign({}, ...inspections.map((one) => one.values)) as Record<string, string>;
  const isBlocked = () => inspections.some(({ obstacle }) => obstacle !== undefined);
  if (work.dryRun) return { is: 'shown', values: values() };
  if (stepsOf(inspections) === 0)
    return { is: isBlocked() ? 'incomplete' : 'nothing to do', values: values() };
  if (!(await work.confirm())) return { is: 'declined', values: {} };
  if (await isAnyRefused(inspections, work.ask)) {
    inspections = await inspectAll();
    for (const { left } of inspections) if (left !== undefined) print(`= ${left.text}`);
  }
  work.onStart?.();
  let failures: Obstacle[] = [];
  for (let rounds = 1; rounds <= ROUNDS && stepsOf(inspections) > 0; rounds += 1) {
    const done = await Promise.all(
      inspections.map((one, index) => makeAll(one, parts[index], { region, sign, print, pause: work.pause })),
    );
    failures = done.flatMap((one) => one.failures);
    const shown = new Map(inspections.map(({ obstacle }, index) => [index, obstacle?.text]));
    inspections = await inspectUntilShown(inspections, done, inspectAll, work.pause);
    for (const [index, { obstacle }] of inspections.entries()) {
      // Earlier obstacles were already shown.
      if (obstacle !== undefined && obstacle.text !== shown.get(index)) {
        failures.push({ ...obstacle, text: `${parts[index]?.name}: ${obstacle.text}` });
      }
    }
    if (done.some((one) => one.isRefused)) break;
  }
  // The last look decides about steps whose answers were lost.
  const isComplete = stepsOf(inspections) === 0 && !isBlocked();
  for (const { text, todo } of isComplete ? [] : failures) {
    print(`! ${text}`);
    print(`  → ${todo}`);
  }
  return { is: isComplete ? 'done' : 'incomplete', values: values() };
}

/** Looks again until the lists of the cloud, which may lag behind, show what was done. */
async function inspectUntilShown(
  before: readonly Inspection[],
  done: readonly Done[],
  inspectAll: () => Promise<Inspection[]>,
  pause: Work['pause'],
): Promise<Inspection[]> {
  for (let tries = 1, pauseMs = FIRST_PAUSE_MS; ; tries += 1, pauseMs *= 2) {
    const seen = await inspectAll();
    const isUnseen = seen.some(({ steps = [], obstacle }, index) => {
      const made = done[index]?.made ?? [];
      const isNewObstacle = obstacle !== undefined && obstacle.text !== before[index]?.obstacle?.text;
      return made.length > 0 && (isNewObstacle || steps.some(({ what }) => made.includes(what)));
    });
    if (!isUnseen || tries === MAX_TRIES) return seen;
    await pause(pauseMs);
  }
}

/** Asks before a setting of others is replaced. */
async function isAnyRefused(inspections: readonly Inspection[], ask: Work['ask']): Promise<boolean> {
  let isRefused = false;
  for (const { consent } of inspections) {
    if (consent === undefined || (await ask(consent.question))) continue;
    consent.refuse();
    isRefused = true;
  }
  return isRefused;
}

function stepsOf(inspections: readonly Inspection[]): number {
  return inspections.reduce((sum, { steps = [] }) => sum + steps.length, 0);
}

function show(
  parts: readonly Part[],
  inspections: readonly Inspection[],
  sign: string,
  print: Work['print'],
): void {
  for (const [index, { there = [], steps = [], consent, left, obstacle }] of inspections.entries()) {
    for (const what of there) print(`= ${what}`);
    for (const { what } of steps) print(`${sign} ${what}`);
    if (consent !== undefined) print('  → setup asks about this separately');
    if (left !== undefined) {
      print(`= ${left.text}`);
      print(`  → ${left.todo}`);
    }
    if (obstacle === undefined) continue;
    print(`! ${parts[index]?.name}: ${obstacle.text}`);
    print(`  → ${obstacle.todo}`);
  }
}

interface Done {
  /** The texts of the completed steps. */
  made: string[];
  failures: Obstacle[];
  /** True when a step was refused: another round would be refused as well. */
  isRefused: boolean;
}

async function makeAll(
  { steps = [] }: Inspection,
  part: Part | undefined,
  { region, sign, print, pause }: Pick<Work, 'region' | 'sign' | 'print' | 'pause'>,
): Promise<Done> {
  const made: string[] = [];
  const failures: Obstacle[] = [];
  let isRefused = false;
  for (const step of steps) {
    try {
      await makeOne(step, made.length > 0, pause);
      made.push(step.what);
      print(`${sign === '+' ? 'created' : 'deleted'}  ${step.what}`);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      isRefused ||= !error.isOutcomeUnknown;
      failures.push(failureOf(error, step, step.service ?? part?.service ?? '', region));
      if (step.isNeeded) break;
    }
  }
  return { made, failures, isRefused };
}

/** Carries out a step. Repeats it while something that an earlier step created is not found yet. */
async function makeOne(step: Step, isBehindAnother: boolean, pause: Work['pause']): Promise<void> {
  for (let tries = 1, pauseMs = FIRST_PAUSE_MS; ; tries += 1, pauseMs *= 2) {
    try {
      await step.make();
      return;
    } catch (error) {
      const isNotFound = error instanceof CallFailed && error.status === 404;
      if (!isNotFound || !isBehindAnother || tries === MAX_TRIES) throw error;
      await pause(pauseMs);
    }
  }
}
