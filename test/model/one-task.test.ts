import fc from 'fast-check';
import { answered, DELETE, NOTIFIED } from '../functions/finishing';
import { type History, histories, newHistory, noteSweep, recordOf } from './commands';
import { InstallationDouble, type InstallationOptions, SNAPSHOTS, VIDEOS } from './installation-double';
import {
  APART,
  checkLives,
  checkRemovals,
  checkRemoved,
  letRemovalsSettle,
  putForeign,
  removeAll,
} from './removed-videos';

/** Histories in one run; a bigger run: MODEL_RUNS=20000. The same ones again: MODEL_SEED. */
const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const SEED = process.env.MODEL_SEED === undefined ? {} : { seed: Number(process.env.MODEL_SEED) };
const PER_MINUTE = 3;
const MINUTE_MS = 60_000;
const MAX_SWEEPS = 60;
/** Two tasks of one claim that are created within this are told. */
const TOLD_WITHIN_MS = 2 * MINUTE_MS;

/** What the documents of MPC leave open, and how far its list and its clock are off. */
const surroundings: fc.Arbitrary<InstallationOptions & { isShared: boolean; captures: string[] }> = fc.record(
  {
    /** Names of what is captured of each upload; one without a name is CAPTURE. */
    captures: fc.constantFrom([''], [''], ['track', 'cover']),
    numbers: fc.boolean(),
    firstPage: fc.constantFrom(0, 1),
    listLagMs: fc.constantFrom(0, 5_000),
    clockAheadMs: fc.constantFrom(0, -14 * MINUTE_MS, 14 * MINUTE_MS),
    /** Uploads and snapshots in one bucket. */
    isShared: fc.boolean(),
    conditionalWrites: fc.constantFrom('ignored', 'honoured'),
  },
);

/**
 * All is well from now on: what is pending comes, again and again as long as the platform
 * tries, and sweeps run until one of them finds nothing left to do.
 */
async function letItSettle(history: History, captures: readonly string[]): Promise<void> {
  const { service, pending, videos } = history;
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const event of pending.splice(0)) {
      await service.time.pass(5_000);
      if ((await service.deliver([recordOf(event)])).kind !== 'returned') pending.push(event);
    }
  }
  for (let round = 0; round < MAX_SWEEPS; round++) {
    await service.time.pass(5 * MINUTE_MS);
    const report = noteSweep(history, await service.sweep({ whole: true }));
    const isDone = report?.complete === true && report.failed === 0 && report.started === 0;
    if (isDone && report?.already_started === videos.size * captures.length) return;
  }
  throw new Error(
    `not settled after ${MAX_SWEEPS} sweeps: ${service.functions.logLines.slice(-5).join('\n')}`,
  );
}

/**
 * Every upload that is still there has one task, every other one at most one;
 * two only where instances overlapped and the bucket takes no conditional writes, and told.
 */
function checkTasks(
  { service, versions, videos, overlapped, answers, duplicates }: History,
  isExclusive: boolean,
  captures: readonly string[],
): void {
  const { cloud } = service;
  const byClaim = new Map<string, { ids: string[]; object: string }>();
  for (const { id, status, body } of cloud.tasks) {
    // Of an older version: it was taken out of the queue, and shows nothing.
    if (status === 'CANCELED') continue;
    const { claim } = JSON.parse(body.user_data ?? '{}')['mpc-snapshots'];
    const known = byClaim.get(claim) ?? { ids: [], object: `${body.input.bucket}/${body.input.object}` };
    known.ids.push(String(id));
    byClaim.set(claim, known);
  }
  const mayOverlap = (object: string) =>
    [...overlapped].some((name) => name.startsWith(`${object} `) || object.endsWith(`api/${name}.mp4`));
  for (const { ids, object } of byClaim.values()) {
    if (ids.length === 1) continue;
    if (ids.length > 2 || !mayOverlap(object) || isExclusive)
      throw new Error(`${ids.length} tasks of ${object}: ${ids}`);
    // Of three tasks one may have been cancelled with its version; the rest of the pair is then further apart than any overlap.
    const createdAtMs = ids.map((id) => cloud.tasks[Number(id) - 1]?.createdAtMs ?? 0);
    if (Math.max(...createdAtMs) - Math.min(...createdAtMs) > TOLD_WITHIN_MS) continue;
    const untold = ids.filter((id) => !duplicates.has(id));
    if (untold.length > 0) throw new Error(`no sweep reported ${untold} of ${object}`);
  }
  for (const [object] of videos) {
    const count = [...byClaim.values()].filter((one) => one.object === object).length;
    const least = captures.length;
    const most = (versions.get(object) ?? 0) * least;
    if (count < least || count > most)
      throw new Error(`${count} claims with tasks of ${most} captures of versions of ${object}`);
  }
  for (const [key, ids] of answers) {
    const most = overlapped.has(key) && !isExclusive ? 2 : 1;
    if (ids.size > most) throw new Error(`the callers of ${key} were told ${[...ids]}`);
  }
  for (const { body } of cloud.tasks) {
    if (/^(snapshots|\.mpc-snapshots)\//.test(body.input.object))
      throw new Error(`own output ${body.input.object}`);
    if (body.output.object.startsWith('.mpc-snapshots')) throw new Error('pictures among the records');
  }
}

/** CAPTURES with these names, the last one in a directory of its own if wanted; nothing where there is only CAPTURE. */
function settingOf(captures: readonly string[], isApart = false): Record<string, string> {
  if (captures.includes('')) return {};
  const list = captures.map((name, dot) => ({
    name,
    thumbnail_para: { type: 'DOTS', dots: [dot] },
    ...(isApart && name === captures.at(-1) && { directory: APART }),
  }));
  return { CAPTURES: JSON.stringify(list) };
}

/** In any 60 s the automatic side sent no more create calls than it may, refused ones included. */
function checkPace({ service, overlapped }: History): void {
  // Two instances that should not be there do not know of each other.
  if (overlapped.size > 0) return;
  const times = service.cloud.creates
    .filter(({ accessKey }) => service.functions.nameOf(accessKey) === 'on-upload')
    .map(({ atMs }) => atMs);
  for (const from of times) {
    const count = times.filter((atMs) => atMs >= from && atMs < from + MINUTE_MS).length;
    if (count > PER_MINUTE) throw new Error(`${count} create calls within a minute`);
  }
}

test.each([
  ['whatever happens, every upload ends with one task, at the pace that was set', false, 0.65],
  [
    'where instances overlap, conditional writes leave one task, and without them a second one is the worst, and the sweep reports it',
    true,
    0.2,
  ],
])(
  '%s',
  async (_, mayOverlap, share) => {
    await fc.assert(
      fc.asyncProperty(
        surroundings,
        histories(mayOverlap),
        async ({ isShared, captures, ...options }, commands) => {
          const service = new InstallationDouble({
            ...options,
            userData: {
              MPC_REQUESTS_PER_MINUTE: String(PER_MINUTE),
              ...settingOf(captures),
              SNAPSHOT_BUCKET: isShared ? VIDEOS : SNAPSHOTS,
            },
          });
          // A video where this service writes.
          if (isShared) service.cloud.put(VIDEOS, 'snapshots/a.mp4/own.mp4', 'own');
          const history = newHistory(service);
          await fc.asyncModelRun(() => ({ model: {}, real: history }), commands);
          await letItSettle(history, captures);
          checkTasks(history, options.conditionalWrites === 'honoured', captures);
          checkPace(history);
          service.close();
        },
      ),
      { numRuns: Math.ceil(RUNS * share), ...SEED, verbose: 1 },
    );
  },
  60_000 + RUNS * 1000,
);

/** How long tasks wait and run: at once, and for longer than everything else takes. */
const times = fc.record({
  waitsMs: fc.constantFrom(0, 3_000, 90_000, 20 * MINUTE_MS),
  runsMs: fc.constantFrom(0, 3_000, 90_000, 20 * MINUTE_MS),
});

test(
  'a video that is replaced ends with pictures of its new version only',
  async () => {
    const settings = fc.record({
      surroundings,
      taskTimes: fc.array(times, { minLength: 1, maxLength: 4 }),
      directory: fc.constantFrom('snapshots/{bucket}/{key}', 'snapshots/{bucket}/{key}/{etag}'),
    });
    await fc.assert(
      fc.asyncProperty(
        settings,
        histories(false),
        async ({ surroundings: { isShared, captures, ...options }, taskTimes, directory }, commands) => {
          const service = new InstallationDouble({
            ...options,
            taskTimes,
            userData: {
              OUTPUT_DIRECTORY: directory,
              SNAPSHOT_BUCKET: isShared ? VIDEOS : SNAPSHOTS,
              ...settingOf(captures),
            },
          });
          const history = newHistory(service);
          await fc.asyncModelRun(() => ({ model: {}, real: history }), commands);
          await letItSettle(history, captures);
          await service.time.pass(60 * MINUTE_MS);
          service.cloud.runTasks();
          const pictures = service.cloud.buckets.get(isShared ? VIDEOS : SNAPSHOTS);
          for (const [name, etag] of history.videos) {
            const place = directory.replace('{bucket}/{key}', name).replace('{etag}', etag);
            const [bucket = '', ...key] = name.split('/');
            const video = service.cloud.buckets.get(bucket)?.get(key.join('/'))?.body;
            for (const capture of captures) {
              const folder = capture === '' ? place : `${place}/${capture}`;
              const shown = [0, 1].map((picture) => pictures?.get(`${folder}/${picture}.jpg`)?.body);
              expect({ name, capture, shown }).toEqual({ name, capture, shown: [video, video] });
            }
          }
          service.close();
        },
      ),
      { numRuns: Math.ceil(RUNS / 4), ...SEED, verbose: 1 },
    );
  },
  60_000 + RUNS * 1000,
);

/** Runs on-finish as its timer does, until nothing of what has ended is left to do and every notice has been sent. */
async function finishAll({ service }: History): Promise<void> {
  for (let run = 0; run < 80; run++) {
    await service.time.pass(MINUTE_MS);
    const outcome = await service.finish();
    if (outcome.kind !== 'returned') continue;
    const { finished, failed } = outcome.value as { finished: number; failed: number };
    const waiting = [...(service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])].filter((name) =>
      name.startsWith('.mpc-snapshots/notices/'),
    );
    // What has no record yet is looked at again as long as it is young.
    if (run > 5 && finished === 0 && failed === 0 && waiting.length === 0) return;
  }
  throw new Error('not finished after 80 runs');
}

test(
  'whatever happens, every task that MPC ended has its result, one set of files and one notice in the end, and is read without MPC',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        surroundings,
        histories(false, true),
        async ({ isShared: _, captures, ...options }, commands) => {
          const userData = { ...NOTIFIED, ...settingOf(captures) };
          // The look through MPC's list goes three minutes back: clocks that differ by more are not covered.
          const clockAheadMs = Math.sign(options.clockAheadMs ?? 0) * 2 * MINUTE_MS;
          const service = new InstallationDouble({ ...options, clockAheadMs, userData });
          const { cloud } = service;
          const history = newHistory(service);
          /** The notices that were taken, task → their ids. */
          const told = new Map<string, Set<string>>();
          cloud.receiver = ({ headers, body }) => {
            if (history.deafFor-- > 0) return { status: 503, body: '' };
            const { task_id } = JSON.parse(String(body)).data;
            told.set(task_id, (told.get(task_id) ?? new Set()).add(String(headers['webhook-id'])));
            return { status: 204, body: '' };
          };
          await fc.asyncModelRun(() => ({ model: {}, real: history }), commands);
          await letItSettle(history, captures);
          history.deafFor = 0;
          await finishAll(history);
          const objects = cloud.buckets.get(SNAPSHOTS) ?? new Map();
          const newest = new Map<string, string>();
          const known = new Set(
            [...objects].flatMap(([name, { body }]) =>
              /^\.mpc-snapshots\/claims\/.*(?<!\.result)\.json$/.test(name)
                ? String(JSON.parse(String(body)).task_id)
                : [],
            ),
          );
          const before = cloud.mpcCalls;
          for (const { id, status, body } of cloud.tasks) {
            if (status === 'WAITING' || status === 'PROCESSING') continue;
            // An answer or a record was lost on the way, and the call did not come again: no record leads to the task.
            if (!known.has(String(id))) continue;
            const seen = answered(await service.query({}, String(id)));
            const notices = [...(told.get(String(id)) ?? [])].length;
            expect({ id, read: seen.status, status: seen.body.status, notices }).toEqual({
              id,
              read: 200,
              status,
              notices: 1,
            });
            if (status === 'SUCCEEDED') newest.set(body.output.object, String(id));
          }
          expect(cloud.mpcCalls).toBe(before);
          for (const [directory, id] of newest) {
            const file = (name: string) => String(objects.get(`${directory}/${name}`)?.body);
            expect(JSON.parse(file('snapshots.json'))).toMatchObject({ task_id: id });
            expect(file('storyboard.vtt')).toMatch(/^WEBVTT\n/);
            expect(objects.has(`${directory}/poster.jpg`)).toBe(true);
          }
          service.close();
        },
      ),
      { numRuns: Math.ceil(RUNS / 4), ...SEED, verbose: 1 },
    );
  },
  60_000 + RUNS * 1000,
);

test(
  'whatever happens, of a video that is gone nothing is left, nothing else is touched, and one that is back has all its pictures',
  async () => {
    const settings = fc.record({
      surroundings,
      taskTimes: fc.array(times, { minLength: 1, maxLength: 4 }),
      directory: fc.constantFrom(
        'snapshots/{bucket}/{key}',
        'snapshots/{bucket}/{key}/{etag}',
        'snapshots/{key}',
        'snapshots/{stem}',
        'snapshots/{stem}-{bucket}',
      ),
      isApart: fc.boolean(),
      publish: fc.constantFrom('', '', 'none', 'poster'),
      isWhole: fc.boolean(),
      isTold: fc.boolean(),
      /** Whether nobody is told of the last removals. */
      areLost: fc.boolean(),
      maxUnfinished: fc.constantFrom('1', '200'),
    });
    await fc.assert(
      fc.asyncProperty(
        settings,
        histories(false, false, true),
        async ({ surroundings: { captures, isShared, ...options }, taskTimes, ...chosen }, commands) => {
          const world = { ...chosen, captures, isShared };
          const service = new InstallationDouble({
            ...options,
            // The look through MPC's list goes three minutes back: clocks that differ by more are not covered.
            clockAheadMs: Math.sign(options.clockAheadMs ?? 0) * 2 * MINUTE_MS,
            taskTimes,
            userData: {
              ...DELETE,
              ...(chosen.isTold && NOTIFIED),
              ...settingOf(captures, chosen.isApart),
              PUBLISH: chosen.publish,
              MPC_REQUESTS_PER_MINUTE: String(PER_MINUTE),
              MAX_UNFINISHED_TASKS: chosen.maxUnfinished,
              OUTPUT_DIRECTORY: chosen.directory,
              SNAPSHOT_BUCKET: isShared ? VIDEOS : SNAPSHOTS,
            },
          });
          service.cloud.pictures = () => ['0.jpg', '1.jpg'];
          const history = newHistory(service);
          service.cloud.receiver = () => ({ status: history.deafFor-- > 0 ? 503 : 204, body: '' });
          const foreign = putForeign(history, world);
          await fc.asyncModelRun(() => ({ model: {}, real: history }), commands);
          await letRemovalsSettle(history, world);
          checkRemovals(history, foreign, world);
          checkLives(history);
          checkRemoved(history);
          removeAll(history);
          if (chosen.areLost) history.pending.length = 0;
          await letRemovalsSettle(history, world);
          checkRemovals(history, foreign, world);
          checkPace(history);
          service.close();
        },
      ),
      { numRuns: Math.ceil(RUNS / 16), ...SEED, verbose: 1 },
    );
  },
  60_000 + RUNS * 1000,
);
