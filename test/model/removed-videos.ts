import { createHash } from 'node:crypto';
import { UNREADABLE } from './cloud-double';
import { type History, noteSweep, Remove, recordOf } from './commands';
import { returned, SNAPSHOTS, VIDEOS } from './installation-double';

/** How an installation that removes is set up. */
export interface RemovalWorld {
  /** Template of directories. */
  directory: string;
  captures: readonly string[];
  /** Whether the last of several captures has a template of its own. */
  isApart: boolean;
  /** PUBLISH; empty for all files. */
  publish: string;
  isShared: boolean;
  /** Whether passes over everything are asked for, or a week passes. */
  isWhole: boolean;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Of five minutes: with one task at a time, of 40 minutes each, even a few videos take half a day. */
const MAX_ROUNDS = 400;
/** An invocation that found the video, and a call of it on its way, last no longer together. */
const IN_FLIGHT_MS = 2 * MINUTE_MS;
/** Records of the whole installation. */
const OF_INSTALLATION = /^\.mpc-snapshots\/((pace|sweep|finish|removal)\.json$|requests\/)/;

/** Records of what is still to be done. */
const WORK = /^\.mpc-snapshots\/(waiting|later|removed|notices)\//;

function keysOf({ service }: History, { isShared }: RemovalWorld): string[] {
  return [...(service.cloud.buckets.get(isShared ? VIDEOS : SNAPSHOTS)?.keys() ?? [])];
}

/** The directory of an upload, as the documents describe it. */
function directoryOf(template: string, name: string, etag: string): string {
  const [bucket = '', ...rest] = name.split('/');
  const key = rest.join('/');
  const fill = (text: string) =>
    template
      .replace('{bucket}', bucket)
      .replace('{key}', text)
      .replace('{stem}', text.replace(/\.[^./]*$/, ''))
      .replace('{etag}', etag);
  // Such a key makes no usable directory.
  return key.startsWith('../') ? fill(createHash('sha256').update(key).digest('hex')) : fill(key);
}

/** The template of a capture that has one of its own. */
export const APART = 'tracks/{stem}';

function directoryOfCapture(capture: string, name: string, etag: string, world: RemovalWorld): string {
  const { directory, captures, isApart } = world;
  if (capture === '') return directoryOf(directory, name, etag);
  return isApart && capture === captures.at(-1)
    ? directoryOf(APART, name, etag)
    : `${directoryOf(directory, name, etag)}/${capture}`;
}

/** The directories of all captures of a video in all of its versions, and of callers' tasks. */
function directoriesOf(name: string, { etags }: History, world: RemovalWorld): string[] {
  return [...(etags.get(name) ?? []), 'api'].flatMap((etag) =>
    ['', ...world.captures].map((capture) => directoryOfCapture(capture, name, etag, world)),
  );
}

/** Pictures in a directory of two videos go with the last of them, if its tasks name them. */
function isShared(directory: string, history: History, world: RemovalWorld): boolean {
  const names = [...history.etags.keys()];
  return names.filter((name) => directoriesOf(name, history, world).includes(directory)).length > 1;
}

/** Objects of somebody else: near the pictures of videos, and named like them. */
export function putForeign({ service }: History, { directory, isShared }: RemovalWorld): Map<string, string> {
  const foreign = new Map<string, string>();
  for (const key of ['a.mp4', 'a.mp4/b.mp4', 'x.mp4']) {
    for (const name of ['notes.txt', '7.jpg', 'sub/0.jpg']) {
      const place = `${directoryOf(directory, `${VIDEOS}/${key}`, 'etag')}/${name}`;
      foreign.set(place, `of somebody ${place}`);
    }
  }
  for (const [key, body] of foreign) service.cloud.put(isShared ? VIDEOS : SNAPSHOTS, key, body);
  return foreign;
}

/**
 * All is well from now on: what is pending comes, and timers run until there is nothing left to do.
 */
export async function letRemovalsSettle(history: History, world: RemovalWorld): Promise<void> {
  const { service, pending } = history;
  history.deafFor = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const event of pending.splice(0)) {
      await service.time.pass(5_000);
      if ((await service.deliver([recordOf(event)])).kind !== 'returned') pending.push(event);
    }
    await service.finish();
  }
  await runTimers(history, world);
  if (!world.isWhole) {
    for (let day = 0; day < 8; day++) {
      await service.time.pass(24 * HOUR_MS);
      await service.finish();
    }
    await runTimers(history, world);
  }
  // What was found late is looked at for a day.
  await service.time.pass(25 * HOUR_MS);
  await runTimers(history, world);
}

async function runTimers(history: History, world: RemovalWorld): Promise<void> {
  const { captures, isWhole } = world;
  const { service, videos } = history;
  const reports: unknown[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await service.time.pass(5 * MINUTE_MS);
    const swept = noteSweep(history, await service.sweep({ whole: true }));
    const finished = returned(await service.finish([], { whole: isWhole })) as unknown as {
      finished: number;
      failed: number;
      unfinished: number;
      removal: { videos: number; failed: number; kept: Record<string, number> };
    };
    const { removal } = finished;
    const left =
      Number(swept?.failed) +
      Number(swept?.started) +
      finished.finished +
      finished.failed +
      finished.unfinished +
      removal.videos +
      removal.failed +
      Object.values(removal.kept).reduce((sum, count) => sum + count, 0);
    const isSettled = swept?.complete === true && swept.already_started === videos.size * captures.length;
    if (left === 0 && isSettled && !keysOf(history, world).some((key) => WORK.test(key))) return;
    reports.push(swept, finished);
  }
  throw new Error(
    `not settled after ${MAX_ROUNDS} rounds: ${JSON.stringify(reports.slice(-2))} ${service.functions.logLines.slice(-5).join('\n')}`,
  );
}

/** Nothing of somebody else was touched, nothing of videos that are gone is left, and the others have all they need. */
export function checkRemovals(
  history: History,
  foreign: ReadonlyMap<string, string>,
  world: RemovalWorld,
): void {
  const { service, videos, answers } = history;
  const objects = new Map(
    [...(service.cloud.buckets.get(world.isShared ? VIDEOS : SNAPSHOTS) ?? [])].map(([key, { body }]) => [
      key,
      body,
    ]),
  );
  for (const [key, body] of foreign) expect([key, objects.get(key)]).toEqual([key, body]);
  const living = [...videos.keys()];
  const ofLiving = living.flatMap((name) => directoriesOf(name, history, world));
  const ids = new Set(
    service.cloud.tasks
      .filter(({ body }) => videos.has(`${body.input.bucket}/${body.input.object}`))
      .map(({ id }) => String(id)),
  );
  const claims = new Set(living.map(folderOfClaims));
  // A caller who never heard of a task did not ask again: no record leads to it.
  const told = new Set([...answers.values()].flatMap((one) => [...one]));
  const unrecorded = new Set(
    service.cloud.tasks
      .filter(({ id, accessKey }) => accessKey.includes('create') && !told.has(String(id)))
      .map(({ body }) => body.output.object),
  );
  const isOfLiving = (key: string) => {
    const [, folder = '', name = ''] = /^\.mpc-snapshots\/(\w+)\/([^/]+)/.exec(key) ?? [];
    if (folder === 'claims') return claims.has(name);
    if (folder !== '') return ids.has(name.replace('.json', ''));
    const directory = key.replace(/\/[^/]*$/, '');
    const mayStay = unrecorded.has(directory) || isShared(directory, history, world);
    return videos.has(`${VIDEOS}/${key}`) || ofLiving.includes(directory) || mayStay;
  };
  const leftOver = [...objects.keys()].filter(
    (key) => !foreign.has(key) && !OF_INSTALLATION.test(key) && !isOfLiving(key),
  );
  expect({ leftOver }).toEqual({ leftOver: [] });
  for (const [name, etag] of videos) {
    const [bucket = '', ...key] = name.split('/');
    const video = service.cloud.buckets.get(bucket)?.get(key.join('/'))?.body;
    if (video === UNREADABLE) continue;
    for (const capture of world.captures) {
      const folder = directoryOfCapture(capture, name, etag, world);
      const file = (file: string) => objects.get(`${folder}/${file}`);
      const pictures = [file('0.jpg'), file('1.jpg')];
      // Callers capture into the same directory, and other videos may have it too.
      if (name.includes('/api/') || isShared(folder, history, world)) {
        expect({ name, capture, areThere: !pictures.includes(undefined) }).toMatchObject({ areThere: true });
        continue;
      }
      expect({ name, capture, pictures }).toEqual({ name, capture, pictures: [video, video] });
      if (/none|poster/.test(world.publish)) continue;
      const index = JSON.parse(file('snapshots.json') ?? '{}');
      const task = service.cloud.tasks.findLast(
        ({ body, status }) => body.output.object === folder && status === 'SUCCEEDED',
      );
      const files = {
        poster: file('poster.jpg'),
        track: file('storyboard.vtt')?.slice(0, 6),
        task: index.task_id,
        read: service.cloud.tasks[Number(index.task_id) - 1]?.read,
      };
      const wanted = { name, capture, poster: video, track: 'WEBVTT', task: String(task?.id), read: video };
      expect({ name, capture, ...files }).toEqual(wanted);
    }
  }
}

function folderOfClaims(name: string): string {
  const at = name.indexOf('/');
  const parts = JSON.stringify([name.slice(0, at), name.slice(at + 1)]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 40);
}

/**
 * One capture of one version has one task, and another one only if the video was gone in between. After a task that failed, an
 * event of a removal is enough, however late it comes: it may be one of a deleted delete marker.
 */
export function checkLives({ service, removals, shortened }: History): void {
  const last = new Map<string, { id: number; createdAtMs: number; isFailed: boolean }>();
  for (const { id, arrivedAtMs, status, body } of service.cloud.tasks) {
    if (status === 'CANCELED') continue;
    const { claim } = JSON.parse(body.user_data ?? '{}')['mpc-snapshots'] ?? {};
    const name = `${body.input.bucket}/${body.input.object}`;
    const before = last.get(claim);
    last.set(claim, { id, createdAtMs: arrivedAtMs, isFailed: status === 'FAILED' });
    if (before === undefined || (before.isFailed && (shortened.has(name) || removals.has(name)))) continue;
    const wasGone = (removals.get(name) ?? []).some(
      ({ atMs }) => atMs > before.createdAtMs - IN_FLIGHT_MS && atMs <= arrivedAtMs,
    );
    if (!wasGone) throw new Error(`tasks ${before.id} and ${id} of one claim of ${name}`);
  }
}

/** Whatever was removed was gone when on-finish looked. */
export function checkRemoved({ service, removals, etags }: History): void {
  for (const line of service.functions.logLines.filter((one) => one.includes('"video.removed"'))) {
    const { time, bucket, key } = JSON.parse(line);
    const name = `${bucket}/${key}`;
    // Of a video that was never there, callers may have made tasks.
    if (!etags.has(name)) continue;
    const [fromMs, untilMs] = [Date.parse(time) - IN_FLIGHT_MS, Date.parse(time)];
    const wasGone = (removals.get(name) ?? []).some(
      ({ atMs, backMs = untilMs }) => atMs <= untilMs && backMs >= fromMs,
    );
    if (!wasGone) throw new Error(`${name} was removed at ${time} although it was there`);
  }
}

/** Everybody deletes all videos. */
export function removeAll(history: History): void {
  for (const name of [...history.videos.keys()]) {
    const at = name.indexOf('/');
    new Remove(name.slice(at + 1), name.slice(0, at), 'ObjectRemoved:Delete').happen(history);
  }
}
