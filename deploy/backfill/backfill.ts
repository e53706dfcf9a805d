import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { Log } from '../../shared/core/log';
import type { Invocation } from '../../shared/installation/invocation';
import { deleteRecord, getRecord, putRecord } from '../../shared/installation/records';
import { readSettings } from '../../shared/installation/settings';
import { BACKFILL_KEY, BackfillRequest, BackfillState } from '../../shared/uploads/backfill';
import { mostBehindOthers } from '../../shared/uploads/rate-limit';
import { SWEEP_KEY } from '../../shared/uploads/sweep';
import { DeployError } from '../errors';
import type { CommandOptions } from '../framework';
import type { Session } from '../session';
import { type Count, countLibrary } from './count';

/** Timeout of a call to OBS. */
const CALL_WITHIN_MS = 60_000;
/** The sweep runs every minute. */
const LOOK_EVERY_MS = 5_000;
/** Without a sweep for so long, its timer is off or the functions are not deployed. */
const NO_SWEEP_AFTER_MS = 5 * 60_000;
const DEFAULT_VIDEO_MINUTES = 10;

/**
 * Counts the videos that lack a capture, and prints the time and money that capturing them takes. With `yes` it requests the
 * backfill from the deployed functions, by a record in the snapshot bucket, and shows the progress. It may be stopped at any
 * time and started again anywhere.
 * @param nextLook waits so many ms; false ends the watching
 * @throws DeployError
 */
export async function backfill(
  { desired, api, options, print }: Session,
  nextLook: (ms: number) => Promise<unknown> = api.cloud.pause,
): Promise<void> {
  const onUpload = desired.functions.find(({ source }) => source === 'on-upload');
  if (onUpload === undefined)
    throw new DeployError(['serverless.yml has no function on-upload: it does the work']);
  const library = await withDeployErrors(
    () => new Library(openLibrary(onUpload.userData, api.cloud.connection)),
  );
  const asked = readOptions(options, library.invocation);
  if (options.stop === true) return withDeployErrors(() => stop(library, print));
  const known = await withDeployErrors(() => library.look());
  if (options.status === true) return printStatus(known, print);
  if (known.request !== undefined && known.state?.ended_ms === undefined) {
    if (known.request.prefix !== asked.prefix || known.request.capture !== asked.capture) {
      throw new DeployError([
        `a backfill of ${what(known.request)} is running: --status shows its progress, --stop ends it`,
      ]);
    }
    print(`the backfill of ${what(asked)} is running`);
    return withDeployErrors(() => watch(known.request?.id ?? '', library, print, nextLook));
  }
  const count = await withDeployErrors(() => countLibrary(asked, library.invocation, print));
  countText(count, asked, library.invocation).forEach(print);
  if (count.toStart === 0) return print('nothing is to be started');
  if (options.yes !== true) return print('nothing was started: add --yes to start');
  const request = { id: randomUUID(), prefix: asked.prefix, videos: count.videos };
  await withDeployErrors(() =>
    library.ask(asked.capture === undefined ? request : { ...request, capture: asked.capture }),
  );
  print(
    'The deployed functions do it, after all new uploads. This command only shows the progress: Ctrl-C ends it.',
  );
  await withDeployErrors(() => watch(request.id, library, print, nextLook));
}

/** The options of the command line. */
interface Asked {
  prefix: string;
  capture?: string | undefined;
  pricePerPicture?: number | undefined;
  videoMinutes: number;
}

/** @throws DeployError for invalid options */
function readOptions(options: CommandOptions, { settings }: Invocation): Asked {
  const { prefix = settings.uploadPrefix, capture } = options;
  const issues: string[] = [];
  if (!prefix.startsWith(settings.uploadPrefix))
    issues.push(`--prefix must begin with UPLOAD_PREFIX ("${settings.uploadPrefix}"), got "${prefix}"`);
  const names = settings.captures.flatMap(({ name }) => name ?? []);
  if (capture !== undefined && !names.includes(capture)) {
    const must =
      names.length === 0 ? 'must be left out: CAPTURES is not set' : `must be one of ${names.join(', ')}`;
    issues.push(`--capture ${must}, got "${capture}"`);
  }
  const numberIn = (name: 'price-per-picture' | 'video-minutes', unit: string): number | undefined => {
    const value = options[name];
    if (value === undefined) return undefined;
    if (/^\d+(\.\d+)?$/.test(String(value)) && Number(value) > 0) return Number(value);
    issues.push(`--${name} must be a number above 0 (${unit}), got "${value}"`);
    return undefined;
  };
  const pricePerPicture = numberIn('price-per-picture', 'in any currency');
  const videoMinutes = numberIn('video-minutes', 'min') ?? DEFAULT_VIDEO_MINUTES;
  if (issues.length > 0) throw new DeployError(issues);
  return { prefix, capture, pricePerPicture, videoMinutes };
}

/** The buckets of the stage from the functions' settings, with the user's own keys. */
function openLibrary(
  userData: Readonly<Record<string, string>>,
  { projectId, credentials, endpoints }: Session['api']['cloud']['connection'],
): Invocation {
  const settings = readSettings({ getUserData: (key) => userData[key] }, {});
  return {
    settings: { ...settings, obsEndpoint: endpoints.obs ?? settings.obsEndpoint },
    credentials,
    projectId,
    get deadlineMs() {
      return Date.now() + CALL_WITHIN_MS;
    },
    get endMs() {
      return this.deadlineMs;
    },
    startedMs: Date.now(),
    // It reads OBS only.
    searches: { calls: 0, last: Promise.resolve() },
    log: new Log('backfill', 'backfill', 'error'),
  };
}

/** The two records: the request, which this command writes, and the progress, which the sweep writes. */
class Library {
  constructor(readonly invocation: Invocation) {}

  async look(): Promise<{ request?: BackfillRequest; state?: BackfillState }> {
    const read = (key: string) => getRecord(key, this.invocation);
    const [asked, sweep] = await Promise.all([read(BACKFILL_KEY), read(SWEEP_KEY)]);
    const request = z.safeParse(BackfillRequest, asked);
    const state = z.safeParse(BackfillState, Object(sweep).backfill);
    if (!request.success) return {};
    const isTakenUp = state.success && state.data.id === request.data.id;
    return isTakenUp ? { request: request.data, state: state.data } : { request: request.data };
  }

  async ask(request: BackfillRequest): Promise<void> {
    await putRecord(BACKFILL_KEY, request, this.invocation);
  }

  forget(): Promise<void> {
    return deleteRecord(BACKFILL_KEY, this.invocation);
  }
}

async function stop(library: Library, print: Session['print']): Promise<void> {
  const { request, state } = await library.look();
  await library.forget();
  if (request === undefined || state?.ended_ms !== undefined) return print('no backfill is running');
  print(`the backfill of ${what(request)} ends with the next sweep; tasks that were started stay`);
}

function printStatus(
  { request, state }: Awaited<ReturnType<Library['look']>>,
  print: Session['print'],
): void {
  if (request === undefined) print('no backfill was requested');
  else [`backfill of ${what(request)}`, progressText(request, state)].forEach(print);
}

/** Prints the progress after each sweep, until the backfill has ended. */
async function watch(
  id: string,
  library: Library,
  print: Session['print'],
  nextLook: (ms: number) => Promise<unknown>,
): Promise<void> {
  let printedMs = -1;
  let changedMs = Date.now();
  for (;;) {
    const { request, state } = await library.look();
    if (request === undefined) return print('it was ended');
    if (request.id !== id) return print(`another one has taken its place: ${what(request)}`);
    const updatedMs = state?.updated_ms ?? 0;
    if (updatedMs > printedMs) {
      printedMs = updatedMs;
      changedMs = Date.now();
      print(progressText(request, state));
    } else if (Date.now() - changedMs > NO_SWEEP_AFTER_MS) {
      changedMs = Date.now();
      print(
        'no sweep has gone on with it for 5 minutes: new uploads come first, or the timer of on-upload is off',
      );
    }
    if (state?.ended_ms !== undefined) return;
    if ((await nextLook(LOOK_EVERY_MS)) === false) return;
  }
}

function what({ prefix, capture }: Pick<BackfillRequest, 'prefix' | 'capture'>): string {
  return [prefix === '' ? 'all videos' : `${prefix}*`, capture && `capture ${capture}`]
    .filter(Boolean)
    .join(', ');
}

function progressText({ videos }: BackfillRequest, state: BackfillState | undefined): string {
  if (state === undefined) return 'waits for the next sweep, which comes every minute';
  const { videos: done, started, already_started, failed, began_ms, updated_ms, ended_ms } = state;
  const sums = [
    `${number(started)} tasks started`,
    `${number(already_started)} were there`,
    ...(failed > 0 ? [`${number(failed)} to be tried again by the sweep`] : []),
  ].join(', ');
  if (ended_ms !== undefined) return `done: ${number(done)} videos, ${sums}`;
  const minutes = Math.max(1, (updated_ms - began_ms) / 60_000);
  const perMinute = done / minutes;
  const left = perMinute > 0 && videos > done ? `, ${duration((videos - done) / perMinute)} left` : '';
  const share = videos > 0 ? ` (${Math.min(100, (done / videos) * 100).toFixed(1)} %)` : '';
  return `${number(done)} of ${number(videos)} videos${share}, ${sums}; ${number(Math.round(perMinute))} videos a minute${left}`;
}

/** The count in words. */
function countText(
  { videos, captured, toStart, byCapture }: Count,
  { prefix, capture, pricePerPicture, videoMinutes }: Asked,
  { settings }: Invocation,
): string[] {
  const { mpcRequestsPerMinute: pace, captures } = settings;
  const perMinute = mostBehindOthers(pace);
  const free = pace - perMinute;
  let pictures = 0;
  let isByLength = false;
  const lines = captures.flatMap(({ name, thumbnailPara }) => {
    const count = byCapture.get(name) ?? 0;
    if (count === 0) return [];
    const { type = 'TIME', time = 0, dots = [], duration: seconds } = thumbnailPara;
    const isTimed = type === 'TIME' && !seconds;
    isByLength ||= isTimed;
    const each = type === 'TIME' ? Math.floor((seconds || videoMinutes * 60) / (time || 1)) + 1 : dots.length;
    pictures += each * count;
    const size = `${isTimed ? 'about ' : ''}${number(each)} ${each === 1 ? 'picture' : 'pictures'} each`;
    return `  ${name === undefined ? 'tasks' : `capture ${name}`}: ${number(count)} to start, ${size}`;
  });
  const assumed = isByLength ? `, with videos of ${videoMinutes} minutes (--video-minutes)` : '';
  const money =
    pricePerPicture === undefined
      ? 'money: add --price-per-picture, what MPC charges for one in your region'
      : `money: ${isByLength ? 'about ' : ''}${(pictures * pricePerPicture).toFixed(2)}, at ${pricePerPicture} a picture`;
  return [
    `${what({ prefix, capture })}: ${number(videos)} videos, ${number(captured + toStart)} tasks, of which ${number(captured)} are there`,
    ...lines,
    `time: ${duration(toStart / perMinute)}, at ${perMinute} tasks a minute${free > 0 ? ` (MPC_REQUESTS_PER_MINUTE ${pace}; ${free} are kept free for new uploads)` : ''}`,
    `pictures: ${number(pictures)}${assumed}`,
    money,
  ];
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function duration(minutes: number): string {
  if (minutes < 1) return 'less than a minute';
  if (minutes < 120) return `${Math.ceil(minutes)} min`;
  return minutes < 48 * 60
    ? `${(minutes / 60).toFixed(1)} h`
    : `${number(Math.round(minutes / 60))} h (${(minutes / 1440).toFixed(1)} days)`;
}

/** Turns errors of the functions' code into errors for the user. @throws DeployError */
async function withDeployErrors<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { status, code } = Object(error) as { status?: number; code?: string };
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof DeployError) throw error;
    if (status === undefined) throw new DeployError([reason]);
    throw new DeployError([
      `OBS refuses this key (${status} ${code}): ${reason}. It needs obs:bucket:ListBucket on both buckets, and obs:object:GetObject, PutObject and DeleteObject on .mpc-snapshots/backfill.json`,
    ]);
  }
}
