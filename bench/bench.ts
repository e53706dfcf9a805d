import { parseArgs } from 'node:util';
import { UsageError } from '../local/usage-error';
import { capture } from './capture';
import { captureLoad } from './capture-load';
import { cost } from './cost';
import { cold, warm } from './functions';
import { localCloud } from './local-cloud';
import { reading } from './reading';
import { describeMachine, toJson, toMarkdown, writePage, writeResults } from './report';
import { restart } from './restart';
import { signing } from './signing';
import { sprite } from './sprite';
import { start } from './start';
import type { Suite } from './suite';
import { tricks } from './tricks';
import { uploadToFrames } from './upload-to-frames';

/** All suites, in the order of running. A new one needs a line here and a section in README.md. */
const SUITES: readonly Suite[] = [
  cold,
  warm,
  signing,
  tricks,
  cost,
  capture,
  captureLoad,
  uploadToFrames,
  localCloud,
  reading,
  sprite,
  start,
  restart,
];

const USAGE = `npm run bench [-- [SUITE…] [--json] [--dry]]

Without a name all suites run. Results go to bench/RESULTS.md, each suite's into its own section.
  --json   prints one JSON value instead of tables
  --dry    does not change RESULTS.md and docs/performance.md

Suites:
${SUITES.map(({ name, about }) => `  ${JSON.stringify(name)}  ${about}`).join('\n')}`;

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  if (values.help) return console.log(USAGE);
  const unknown = positionals.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) throw new UsageError(`there is no suite "${unknown}"\n\n${USAGE}`);
  const json: unknown[] = [];
  for (const suite of SUITES) {
    if (positionals.length > 0 && !positionals.includes(suite.name)) continue;
    const machine = describeMachine();
    const startedAtMs = Date.now();
    const report = await suite.run();
    console.error(`${suite.name}: ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`);
    json.push(toJson(suite, report, machine));
    const section = toMarkdown(suite, report, machine);
    if (!values.json) console.log(`\n${section}`);
    if (values.dry) continue;
    // Written at once, so that stopping the run loses no results.
    await writeResults(suite, section);
    if (report.readme !== undefined) await writePage(suite, report.readme);
  }
  if (values.json) console.log(JSON.stringify(json, null, 2));
}

function parseArguments() {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ allowPositionals: true, options: { json: flag, dry: flag, help: flag } });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
});
