import type { Explanation, ExplanationStep } from '../../console/server/console-api';
import { printable } from '../../printable';
import { readArguments, readKey } from './arguments';
import { CLOUD_OPTIONS, RunningCloud } from './running-cloud';
import { coloured, print, printJson, table } from './terminal';

const EXIT_CODE = { captured: 0, not_captured: 1, not_found: 1, in_progress: 3 } as const;
const COLOUR = { captured: 'green', not_captured: 'red', not_found: 'red', in_progress: 'yellow' } as const;
const STEP_COLOUR = { ok: 'green', waiting: 'yellow', problem: 'red', unknown: 'dim' } as const;

export const OPTIONS = CLOUD_OPTIONS;

/**
 * Says why a key was captured or was not.
 * @returns exit code 0: captured; 1: not captured, or no such object; 3: not yet
 */
export async function explain(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { allowPositionals: true, options: OPTIONS });
  const key = readKey('explain', positionals);
  const explanation = await RunningCloud.at(values).explain(key);
  if (values.json) printJson(explanation);
  else show(explanation);
  return EXIT_CODE[explanation.verdict];
}

function show({ bucket, key, verdict, reason, summary, remedy, steps }: Explanation): void {
  const word = coloured(COLOUR[verdict], verdict.replace('_', ' '));
  print(`${printable(`${bucket}/${key}`)}: ${word} (${reason})`);
  print(printable(summary));
  if (remedy !== undefined) print(printable(remedy));
  print('');
  const rows = steps.map(({ what, state, text, timeMs }) => [what, state, timeOf(timeMs), printable(text)]);
  for (const [index, line] of table(rows).entries()) print(`  ${colouredLine(line, steps[index])}`);
}

function colouredLine(line: string, step: ExplanationStep | undefined): string {
  return step === undefined
    ? line
    : line.replace(step.state, (word) => coloured(STEP_COLOUR[step.state], word));
}

function timeOf(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toTimeString().slice(0, 8);
}
