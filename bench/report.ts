import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { type Goal, median, quantile, type Report, type Suite, type Table } from './suite';

const RESULTS = path.join(__dirname, 'RESULTS.md');
const PAGE = path.join(__dirname, '..', 'docs', 'performance.md');

/** Where and when the measurement took place. */
export interface Machine {
  node: string;
  cpu: string;
  memoryGb: number;
  system: string;
  /** Runnable processes per core in the minute before the measurement, because other load disturbs it. */
  loadPerCore: number;
  date: string;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    node: process.versions.node,
    cpu: `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown CPU'}`,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}, ${process.arch}`,
    loadPerCore: Number(((loadavg()[0] ?? 0) / cores.length).toFixed(1)),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** A suite's section as Markdown that also reads well on a terminal. */
export function toMarkdown(suite: Suite, report: Report, machine: Machine): string {
  return [
    `## ${suite.name}`,
    suite.about,
    `Node.js ${machine.node}, ${machine.cpu}, ${machine.memoryGb} GB, ${machine.system}; load per core before: ${machine.loadPerCore}; ${machine.date}.`,
    ...report.tables.map(tableToMarkdown),
    ...(report.goals?.length ? [goalsToMarkdown(report.goals)] : []),
  ].join('\n\n');
}

/** The same for programs: each series with median, quartiles and ratio, each goal with its result. */
export function toJson(suite: Suite, report: Report, machine: Machine): unknown {
  return {
    suite: suite.name,
    machine,
    tables: report.tables.map((table) => ({ ...table, series: summaries(table) })),
    goals: (report.goals ?? []).map((goal) => ({ ...goal, isMet: isMet(goal) })),
  };
}

/** Replaces a suite's section in RESULTS.md. The others stay. */
export async function writeResults({ name }: Suite, section: string): Promise<void> {
  const before = await readFile(RESULTS, 'utf8').catch(() => '');
  const kept = before.split(/^(?=## )/m).filter((section) => section.startsWith('## '));
  const all = new Map(kept.map((section) => [/^## (.*)/.exec(section)?.[1] ?? '', section.trim()]));
  all.set(name, section);
  const head =
    '# Results\n\nWritten by `npm run bench`; [README.md](README.md) has the conclusions. Median, quartiles and number of\n' +
    'measurements; variants of one table took turns in one run, so that ratios hold where absolute values are the machine’s.';
  await writeFile(RESULTS, `${[head, ...all.values()].join('\n\n')}\n`);
}

/** Puts a suite's Markdown into docs/performance.md between its marks. @throws Error if the marks are missing */
export async function writePage(suite: Suite, markdown: string): Promise<void> {
  const before = await readFile(PAGE, 'utf8');
  const marks = new RegExp(`(<!-- bench ${suite.name} -->\\n)[^]*?(<!-- /bench -->)`);
  if (!marks.test(before)) throw new Error(`docs/performance.md has no place for "${suite.name}"`);
  await writeFile(
    PAGE,
    before.replace(marks, (_, start: string, end: string) => `${start}${markdown}\n${end}`),
  );
}

interface Summary {
  name: string;
  median: number;
  quartiles: [lower: number, upper: number];
  count: number;
  /** Median divided by the median of the base. */
  ratio: number;
}

function summaries(table: Table): Summary[] {
  const base = table.series.find(({ name }) => name === table.base) ?? table.series[0];
  return table.series.map(({ name, values }) => ({
    name,
    median: median(values),
    quartiles: [quantile(values, 0.25), quantile(values, 0.75)],
    count: values.length,
    ratio: median(values) / median(base?.values ?? []),
  }));
}

function tableToMarkdown(table: Table): string {
  const rows = summaries(table).map((row) => {
    const spread = `${digits(row.quartiles[0])} – ${digits(row.quartiles[1])}`;
    return [row.name, digits(row.median), row.count > 1 ? spread : '', `× ${digits(row.ratio)}`, row.count];
  });
  const cells = [['', table.unit, 'quartiles', 'ratio', 'n'], ...rows].map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map(
    (row) =>
      `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`,
  );
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${column === 0 ? '-' : ':'}`).join('|')}|`;
  const [head = '', ...body] = lines;
  return [`### ${table.title}`, ...(table.note ? [table.note] : []), [head, rule, ...body].join('\n')].join(
    '\n\n',
  );
}

function goalsToMarkdown(goals: readonly Goal[]): string {
  return goals
    .map((goal) => {
      const limit = goal.atLeast !== undefined ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`;
      return `- ${isMet(goal) ? 'met' : 'MISSED'}: ${goal.text}: ${digits(goal.measured)} (aim: ${limit})`;
    })
    .join('\n');
}

function isMet({ measured, atLeast, atMost }: Goal): boolean {
  return (atLeast === undefined || measured >= atLeast) && (atMost === undefined || measured <= atMost);
}

/** Three significant digits, and never less than the whole number. */
function digits(value: number): string {
  const magnitude = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(magnitude, 3));
}
