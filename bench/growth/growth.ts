import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { returned } from '../../test/model/installation-double';
import { Growth, type Kind, MINUTE_MS, type Reading, VIDEOS, type Work } from './growing-cloud';

/*
 * What growth costs: the real functions with the doubles of the model-based test, in virtual time. growing-cloud.ts has
 * the assumed times of calls. Nothing here depends on the speed of the machine. The functions' processor time is not
 * counted.
 */

const PACE = 80;
const BURST_MS = 10 * MINUTE_MS;
const MINUTES_A_MONTH = 30 * 24 * 60;
/** OBS and FunctionGraph, international site (see bench/cost.ts). The free monthly quota is not deducted. */
const USD_PER_OBS_CALL = 0.0001 / 1000;
const USD_PER_INVOCATION = 0.2 / 1_000_000;
const USD_PER_GB_SECOND = 0.00001667;
const MEMORY_GB: Readonly<Record<string, number>> = { 'on-finish': 0.25 };

interface Row {
  aim: string;
  isMet: boolean | undefined;
  measured: string;
}
interface Table {
  title: string;
  head: readonly string[];
  rows: (readonly string[])[];
}
/** The results of a part. They are kept beside this file, so that parts can run one by one. */
interface Part {
  rows: Row[];
  tables: Table[];
}
const KEPT = path.join(__dirname, 'measured.json');
/** Parts with rows for each number of uploads. */
const SIZED: ReadonlySet<string> = new Set(['bursts', 'speeds']);
let rows: Row[] = [];
let tables: Table[] = [];

const minutes = (ms: number) => (ms / MINUTE_MS).toFixed(1);
const obsCalls = ({ calls }: Work) => calls.GET + calls.PUT + calls.DELETE + calls.LIST;

function usd(growth: Growth): number {
  return [...growth.work].reduce((sum, [name, work]) => sum + usdOf(name, work), 0);
}

function usdOf(name: string, work: Work): number {
  const gbSeconds = (work.ms / 1000) * (MEMORY_GB[name] ?? 0.125);
  return (
    obsCalls(work) * USD_PER_OBS_CALL + work.invocations * USD_PER_INVOCATION + gbSeconds * USD_PER_GB_SECOND
  );
}

function total(growth: Growth): Work {
  const sum: Work = { invocations: 0, ms: 0, calls: { GET: 0, PUT: 0, DELETE: 0, LIST: 0, MPC: 0 } };
  for (const work of growth.work.values()) {
    sum.invocations += work.invocations;
    sum.ms += work.ms;
    for (const kind of Object.keys(sum.calls) as Kind[]) sum.calls[kind] += work.calls[kind];
  }
  return sum;
}

/** Watches which uploads have a task that was not cancelled. */
function watch(growth: Growth) {
  let seen = 0;
  const first = new Map<string, number>();
  return {
    first,
    look(): number {
      const { tasks } = growth.cloud;
      for (; seen < tasks.length; seen++) {
        const task = tasks[seen];
        const key = task?.body.input.object ?? '';
        if (task && !first.has(key)) first.set(key, task.arrivedAtMs);
      }
      return first.size;
    },
  };
}

interface BurstResult {
  allMs: number;
  quietMs: number;
  lost: number;
  cancelled: number;
  growth: Growth;
}

/** Uploads in one folder within ten minutes, and in their middle one in a quiet folder. */
async function burst(
  count: number,
  tasksPerMinute: number,
  reading: Reading,
  { isTold = true, untilDone = false } = {},
): Promise<BurstResult> {
  const growth = new Growth({ tasksPerMinute });
  const watched = watch(growth);
  const events = Array.from({ length: count }, (_, at) => ({
    afterMs: Math.floor((at * BURST_MS) / count),
    make: () => ({ Records: [growth.upload(`busy/${at}.mp4`)] }),
  }));
  const quiet = { afterMs: BURST_MS / 2, make: () => ({ Records: [growth.upload('quiet/one.mp4')] }) };
  events.splice(count / 2, 0, quiet);
  if (!isTold) {
    for (const { make } of events.splice(0)) make();
    // The sweep ignores an upload while its event may still come.
    await growth.time.pass(MINUTE_MS);
  }
  const startMs = growth.time.nowMs;
  const all = count + 1;
  let allMs = 0;
  await growth.live(events, reading, () => {
    if (watched.look() < all) return growth.time.nowMs - startMs > 5 * 24 * 60 * MINUTE_MS;
    allMs ||= growth.time.nowMs - startMs;
    if (!untilDone) return true;
    growth.cloud.runTasks();
    return growth.cloud.tasks.every(({ status }) => status === 'SUCCEEDED' || status === 'CANCELED');
  });
  const done = new Set<string>();
  let cancelled = 0;
  for (const { status, body } of growth.cloud.tasks) {
    if (status === 'CANCELED') cancelled += 1;
    else done.add(body.input.object);
  }
  const quietMs = (watched.first.get('quiet/one.mp4') ?? Number.NaN) - startMs - (isTold ? quiet.afterMs : 0);
  return { allMs: allMs || Number.NaN, quietMs, lost: all - done.size, cancelled, growth };
}

async function speeds(count: number, paces: readonly number[]): Promise<void> {
  const table: Table = {
    title: `${count.toLocaleString('en')} uploads within 10 minutes, by the speed of MPC`,
    head: [
      'MPC, tasks/min',
      'all have tasks, min',
      'lost',
      'cancelled and started again',
      'OBS calls',
      'MPC calls',
      'function-seconds',
      'USD',
    ],
    rows: [],
  };
  tables.push(table);
  let lostAnywhere = 0;
  for (const tasksPerMinute of paces) {
    const { allMs, lost, cancelled, growth } = await burst(count, tasksPerMinute, 'queued', {
      untilDone: true,
    });
    const sum = total(growth);
    lostAnywhere += lost;
    table.rows.push([
      String(tasksPerMinute),
      minutes(allMs),
      String(lost),
      String(cancelled),
      obsCalls(sum).toLocaleString('en'),
      sum.calls.MPC.toLocaleString('en'),
      (sum.ms / 1000).toFixed(0),
      usd(growth).toFixed(3),
    ]);
    progress(`speed ${tasksPerMinute}`);
  }
  rows.push({
    aim: `${count.toLocaleString('en')} uploads: nothing is lost, at ${paces.join(', ')} tasks/min`,
    isMet: lostAnywhere === 0,
    measured: `${lostAnywhere} lost`,
  });
}

async function bursts(count: number): Promise<void> {
  const idealMs = (count / PACE) * MINUTE_MS;
  const table: Table = {
    title: `A burst of ${count.toLocaleString('en')} at a pace of ${PACE}/min (ideal ${minutes(idealMs)} min), MPC fast enough`,
    head: [
      'events beyond the one instance',
      'all have tasks, min',
      '× ideal',
      'quiet folder started after, min',
      'discarded or aged out',
      'USD',
    ],
    rows: [],
  };
  tables.push(table);
  for (const [name, reading, isTold] of [
    ['queued', 'queued', true],
    ['discarded', 'discarded', true],
    ['of a backlog without any event', 'queued', false],
  ] as const) {
    const { allMs, quietMs, growth } = await burst(count, 1000, reading, { isTold });
    const factor = allMs / idealMs;
    table.rows.push([
      name,
      minutes(allMs),
      factor.toFixed(2),
      isTold ? minutes(quietMs) : '–',
      String(growth.discarded + growth.aged),
      usd(growth).toFixed(3),
    ]);
    rows.push({
      aim: `${count.toLocaleString('en')} ${name}: all have tasks within 1.1 × the ideal`,
      isMet: factor <= 1.1,
      measured: `${factor.toFixed(2)} ×`,
    });
    if (isTold) {
      rows.push({
        aim: `${count.toLocaleString('en')} ${name}: one upload of a quiet folder in the middle is started within 2 min`,
        isMet: quietMs <= 2 * MINUTE_MS,
        measured: `${minutes(quietMs)} min`,
      });
    }
    progress(`burst ${name}`);
  }
}

/**
 * A library in which every video has its task, and one upload whose event was lost at the worst moment: the sweep has
 * just passed its place.
 */
async function libraries(sizes: readonly number[]): Promise<void> {
  const table: Table = {
    title: 'A settled library: the sweep, once a minute',
    head: [
      'videos',
      'longest run, s',
      'most OBS calls in a run',
      'a pass, min',
      'a lost event is found after, min',
      'OBS calls a month',
      'USD a month',
    ],
    rows: [],
  };
  tables.push(table);
  for (const size of sizes) {
    const growth = new Growth({});
    await growth.sweep();
    growth.cloud.librarySize = size;
    let longestMs = 0;
    let mostCalls = 0;
    const sweep = async () => {
      const { ms, outcome, calls, invocations } = await growth.sweep();
      longestMs = Math.max(longestMs, ms);
      mostCalls = Math.max(mostCalls, obsCalls({ ms, calls, invocations }));
      await growth.time.pass(MINUTE_MS - (ms % MINUTE_MS));
      return returned(outcome).complete === true;
    };
    // The first pass looks at every upload, and each of the next ones at those whose turn has come since the one before.
    let passRuns = 0;
    for (let before = Number.POSITIVE_INFINITY; passRuns <= 0.95 * before; ) {
      before = passRuns || before;
      passRuns = 1;
      while (!(await sweep())) passRuns += 1;
      progress(`a pass of ${passRuns} runs`);
    }
    growth.work.clear();
    longestMs = 0;
    mostCalls = 0;
    const began = growth.time.nowMs;
    growth.upload('lost/one.mp4');
    let runs = 0;
    while (growth.cloud.tasks.length === 0) {
      runs += 1;
      await sweep();
      if (runs > 10_000) throw new Error('not found');
    }
    const foundMs = growth.cloud.tasks[0] ? growth.cloud.tasks[0].arrivedAtMs - began : Number.NaN;
    const perMonth = MINUTES_A_MONTH / runs;
    const sum = total(growth);
    const cost = usd(growth) * perMonth;
    table.rows.push([
      size.toLocaleString('en'),
      (longestMs / 1000).toFixed(2),
      mostCalls.toLocaleString('en'),
      String(passRuns),
      minutes(foundMs),
      Math.round(obsCalls(sum) * perMonth).toLocaleString('en'),
      cost.toFixed(2),
    ]);
    if (size === 1_000_000) {
      rows.push({
        aim: '1,000,000 settled uploads: a run ≤ 2 s',
        isMet: longestMs <= 2000,
        measured: `${(longestMs / 1000).toFixed(2)} s`,
      });
      rows.push({
        aim: '1,000,000: ≤ 1,100 OBS calls in a run',
        isMet: mostCalls <= 1100,
        measured: String(mostCalls),
      });
      rows.push({
        aim: '1,000,000: a lost event is found within 10 min',
        isMet: foundMs <= 10 * MINUTE_MS,
        measured: `${minutes(foundMs)} min`,
      });
    }
    if (size === 10_000_000) {
      rows.push({
        aim: '10,000,000: a lost event is found within 1 h',
        isMet: foundMs <= 60 * MINUTE_MS,
        measured: `${minutes(foundMs)} min, ${cost.toFixed(2)} USD a month`,
      });
    }
    progress(`library ${size}`);
  }
}

/** Uploads that MPC refuses for good, and a good one behind them. */
async function refused(count: number, hours: number): Promise<void> {
  const growth = new Growth({});
  for (let at = 0; at < count; at++) growth.upload(`refused/${at}.mp4`);
  await growth.time.pass(2 * MINUTE_MS);
  growth.upload('z-good/one.mp4');
  const began = growth.time.nowMs;
  let goodMs = Number.NaN;
  for (let minute = 0; minute < hours * 60; minute++) {
    const { ms } = await growth.sweep();
    const [good] = growth.cloud.tasks;
    if (good && Number.isNaN(goodMs)) goodMs = good.arrivedAtMs - began;
    await growth.time.pass(Math.max(0, MINUTE_MS - ms));
  }
  const sum = total(growth);
  tables.push({
    title: `${count.toLocaleString('en')} uploads that MPC refuses for good, ${hours} h`,
    head: [
      'a good one behind them is started after, min',
      'create calls for each refused one',
      'OBS calls',
      'function-seconds',
      'USD',
    ],
    rows: [
      [
        minutes(goodMs),
        (growth.cloud.creates.length / count).toFixed(1),
        obsCalls(sum).toLocaleString('en'),
        (sum.ms / 1000).toFixed(0),
        usd(growth).toFixed(3),
      ],
    ],
  });
  rows.push({
    aim: 'what MPC refuses is never in the way of others: a good upload behind 1,000 refused ones within 3 min',
    isMet: goodMs <= 3 * MINUTE_MS,
    measured: `${minutes(goodMs)} min`,
  });
  progress('refused');
}

/** Videos that are deleted at the same time, with ON_REMOVAL=delete. */
async function removed(count: number): Promise<void> {
  const growth = new Growth({ userData: { ON_REMOVAL: 'delete' } });
  const keys = Array.from({ length: count }, (_, at) => `old/${at}.mp4`);
  const records = keys.map((key) => growth.upload(key));
  for (let start = 0; start < count; start += 50) {
    await growth.run('on-upload', { Records: records.slice(start, start + 50) });
    await growth.time.pass(MINUTE_MS);
    await growth.sweep();
  }
  const watched = watch(growth);
  while (watched.look() < count) {
    await growth.time.pass(MINUTE_MS);
    await growth.sweep();
  }
  for (let round = 0; round < 60; round++) {
    await growth.time.pass(MINUTE_MS);
    await growth.finish();
  }
  const left = () =>
    [...(growth.cloud.buckets.get('snapshots')?.keys() ?? [])].filter((key) =>
      /^snapshots\/|\/(claims|removed)\//.test(key),
    ).length;
  const before = left();
  growth.work.clear();
  for (const key of keys) {
    growth.cloud.buckets.get(VIDEOS)?.delete(key);
    await growth.run('on-upload', {
      Records: [{ eventName: 'ObjectRemoved:Delete', s3: { bucket: { name: VIDEOS }, object: { key } } }],
    });
  }
  const began = growth.time.nowMs;
  for (let round = 0; round < 600 && left() > 0; round++) {
    const { ms } = await growth.finish();
    await growth.time.pass(Math.max(0, MINUTE_MS - ms));
  }
  const sum = total(growth);
  tables.push({
    title: `${count.toLocaleString('en')} videos deleted at once, with ON_REMOVAL=delete`,
    head: [
      'objects and records before',
      'left',
      'all deleted after, min',
      'OBS calls for each',
      'function-seconds',
      'USD',
    ],
    rows: [
      [
        before.toLocaleString('en'),
        String(left()),
        minutes(growth.time.nowMs - began),
        (obsCalls(sum) / count).toFixed(1),
        (sum.ms / 1000).toFixed(0),
        usd(growth).toFixed(3),
      ],
    ],
  });
  rows.push({
    aim: 'deleted videos leave nothing',
    isMet: left() === 0,
    measured: `${left()} of ${before}`,
  });
  progress('removed');
}

const startedMs = Date.now();
function progress(what: string): void {
  console.error(`${((Date.now() - startedMs) / 1000).toFixed(0)} s: ${what}`);
}

function markdown({ rows, tables }: Part): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], body: readonly (readonly string[])[]) =>
    [line(head), `|${head.map((_, at) => (at === 0 ? '---' : '--:')).join('|')}|`, ...body.map(line)].join(
      '\n',
    );
  const verdict = ({ isMet }: Row) => (isMet ? 'met' : '**missed**');
  return [
    '# Growth',
    '',
    '`npm run bench:growth` writes this page. It runs the real functions in virtual time against the doubles of the model-based test. It assumes that OBS takes 20 ms',
    'to read, 30 ms to write and 60 ms to list, and MPC 200 ms. It does not count the processor time of the functions. Prices: 0.0001 USD for 1,000 calls to OBS;',
    'FunctionGraph as in [performance](../docs/performance.md), without free quotas. The cost of storage and of pictures at MPC is not included.',
    '',
    table(
      ['aim', 'measured', ''],
      rows.map((row) => [row.aim, row.measured, verdict(row)]),
    ),
    ...tables.flatMap(({ title, head, rows: body }) => ['', `## ${title}`, '', table(head, body)]),
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      uploads: { type: 'string', default: '10000' },
      /** A library of this size instead of those of up to a million: ten million take an hour. */
      videos: { type: 'string' },
      dry: { type: 'boolean', default: false },
    },
  });
  const count = Number(values.uploads);
  const parts: Record<string, () => Promise<void>> = {
    bursts: () => bursts(count),
    libraries: () => libraries(values.videos ? [Number(values.videos)] : [1e3, 1e4, 1e5, 1e6]),
    refused: () => refused(1000, 6),
    removed: () => removed(count / 10),
    speeds: () => speeds(count, [5, 10, 30, 80, 200]),
  };
  const kept: Record<string, Part> = JSON.parse(readFileSync(KEPT, 'utf8'));
  for (const [name, run] of Object.entries(parts)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    rows = [];
    tables = [];
    await run();
    const size = SIZED.has(name) ? count : name === 'libraries' ? values.videos : undefined;
    kept[size === undefined ? name : `${name} ${size}`] = { rows, tables };
  }
  const names = Object.keys(parts);
  const place = (key: string) => {
    const [name = '', size = '0'] = key.split(' ');
    return names.indexOf(name) * 1e9 + Number(size);
  };
  const shown = Object.entries(kept)
    .sort(([a], [b]) => place(a) - place(b))
    .map(([, part]) => part);
  const text = markdown({
    rows: shown.flatMap((part) => part.rows),
    tables: shown.flatMap((part) => part.tables),
  });
  console.log(text);
  if (values.dry) return;
  writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 2)}\n`);
  writeFileSync(path.join(__dirname, '..', 'GROWTH.md'), text);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
