import { CallFailed } from '../cloud-api';
import { failureOf, type Look, lookAt, type Obstacle, type Part } from './part';

/** What is shown, asked and done, for setting up and for taking back. */
export interface Work {
  parts: readonly Part[];
  region: string;
  /** Sign in front of a step: `+` or `-`. */
  sign: '+' | '-';
  dryRun: boolean;
  /** Asks before anything is done. */
  confirm: () => Promise<boolean>;
  print: (line: string) => void;
  /** Asks about one thing, after `confirm`. */
  ask: (question: string) => Promise<boolean>;
  /** Told before the first step. */
  onStart?: () => void;
}

export interface Outcome {
  is: 'nothing to do' | 'shown' | 'declined' | 'done' | 'incomplete';
  values: Readonly<Record<string, string>>;
}

/** With every round of lost answers there is less left to do. */
const ROUNDS = 3;

/**
 * Looks at the parts, shows what is to be done, asks, does it, and looks again. A part that is refused does not keep
 * the others from their steps. Nothing is kept in between, so that it may be interrupted anywhere and run again.
 */
export async function carryOut({ parts, region, sign, print, ...work }: Work): Promise<Outcome> {
  const see = () => Promise.all(parts.map((part) => lookAt(part, region)));
  let looks = await see();
  show(parts, looks, sign, print);
  const values = () => Object.assign({}, ...looks.map((look) => look.values)) as Record<string, string>;
  const isBlocked = () => looks.some(({ obstacle }) => obstacle !== undefined);
  if (work.dryRun) return { is: 'shown', values: values() };
  if (stepsOf(looks) === 0) return { is: isBlocked() ? 'incomplete' : 'nothing to do', values: values() };
  if (!(await work.confirm())) return { is: 'declined', values: {} };
  if (await isAnyRefused(looks, work.ask)) {
    looks = await see();
    for (const { left } of looks) if (left !== undefined) print(`= ${left.text}`);
  }
  work.onStart?.();
  let failures: Obstacle[] = [];
  for (let rounds = 1; rounds <= ROUNDS && stepsOf(looks) > 0; rounds += 1) {
    const done = await Promise.all(
      looks.map((look, index) => makeAll(look, parts[index], region, sign, print)),
    );
    failures = done.flatMap((one) => one.failures);
    const shown = new Map(looks.map(({ obstacle }, index) => [index, obstacle?.text]));
    looks = await see();
    for (const [index, { obstacle }] of looks.entries()) {
      // What stood in the way before has been told already.
      if (obstacle !== undefined && obstacle.text !== shown.get(index)) {
        failures.push({ ...obstacle, text: `${parts[index]?.name}: ${obstacle.text}` });
      }
    }
    if (done.some((one) => one.isRefused)) break;
  }
  // What a lost answer left in doubt is settled by the last look.
  const isComplete = stepsOf(looks) === 0 && !isBlocked();
  for (const { text, todo } of isComplete ? [] : failures) {
    print(`! ${text}`);
    print(`  → ${todo}`);
  }
  return { is: isComplete ? 'done' : 'incomplete', values: values() };
}

/** Asks about what is taken away from others. */
async function isAnyRefused(looks: readonly Look[], ask: Work['ask']): Promise<boolean> {
  let isRefused = false;
  for (const { consent } of looks) {
    if (consent === undefined || (await ask(consent.question))) continue;
    consent.refuse();
    isRefused = true;
  }
  return isRefused;
}

function stepsOf(looks: readonly Look[]): number {
  return looks.reduce((sum, { steps = [] }) => sum + steps.length, 0);
}

function show(parts: readonly Part[], looks: readonly Look[], sign: string, print: Work['print']): void {
  for (const [index, { there = [], steps = [], consent, left, obstacle }] of looks.entries()) {
    for (const what of there) print(`= ${what}`);
    for (const { what } of steps) print(`${sign} ${what}`);
    if (consent !== undefined) print('  → you are asked about this by itself');
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
  failures: Obstacle[];
  /** Something was refused: another round would be refused as well. */
  isRefused: boolean;
}

async function makeAll(
  { steps = [] }: Look,
  part: Part | undefined,
  region: string,
  sign: string,
  print: Work['print'],
): Promise<Done> {
  const failures: Obstacle[] = [];
  let isRefused = false;
  for (const step of steps) {
    try {
      await step.make();
      print(`${sign === '+' ? 'made' : 'gone'}  ${step.what}`);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      isRefused ||= !error.isOutcomeUnknown;
      failures.push(failureOf(error, step, step.service ?? part?.service ?? '', region));
      if (step.isNeeded) break;
    }
  }
  return { failures, isRefused };
}
