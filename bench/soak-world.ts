import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cloud } from '../local/cloud';
import type { Capture } from '../local/mpc/collaborators';

/**
 * A video with a text as its content. Each of its pictures is the text at the moment when the task opened the video.
 */
export class TextCapture implements Capture {
  /** @param frameMs the longest time of a picture */
  constructor(
    private readonly frameMs: number,
    private readonly random: () => number,
  ) {}

  async open(filePath: string): ReturnType<Capture['open']> {
    const text = await readFile(filePath);
    return {
      info: { durationMs: 35_000, width: 320, height: 180, codec: 'h264', frameRate: 25 },
      capture: async ({ points }, onFrame, signal) => {
        for (const [index, point] of points.entries()) {
          await pause(this.random() * this.frameMs, undefined, { signal });
          const presentationMs = point === 'last' ? 34_960 : point;
          await onFrame({ index, presentationMs, width: 320, height: 180, jpeg: text });
        }
      },
      close: () => {},
    };
  }
}

/** A video that was put into the bucket, once or several times. */
export interface Written {
  key: string;
  /** The time of each of its versions, ms since the epoch. */
  atMs: number[];
  /** The time of each of its removals, ms since the epoch. */
  removedAtMs: number[];
  /** Its current content; undefined when it is gone. */
  content: string | undefined;
}

const REMOVED_WITHIN_MS = 90_000;
const BACK_WITHIN_MS = 90_000;

/**
 * Puts videos into the upload bucket, evenly over a time. Some are put again within two seconds. Some are deleted, and half of
 * these come back, as they were or with another content.
 * @param replaced share of the videos that are replaced, 0 to 1
 * @param removed share of the videos that are deleted, 0 to 1
 */
export async function write(
  keys: readonly string[],
  forMs: number,
  shares: { replaced: number; removed: number; random: () => number; cloud: Cloud },
): Promise<Written[]> {
  const { replaced, removed, random, cloud } = shares;
  const { store, uploadBucket } = cloud;
  const startedAtMs = Date.now();
  const put = async (written: Written, version: number) => {
    written.content = `${written.key} version ${version}`;
    await store.put(uploadBucket, written.key, Buffer.from(written.content));
    written.atMs.push(Date.now());
  };
  const remove = async (written: Written) => {
    written.content = undefined;
    await store.delete(uploadBucket, written.key);
    written.removedAtMs.push(Date.now());
  };
  const later: Promise<void>[] = [];
  const all: Written[] = [];
  for (const [index, key] of keys.entries()) {
    await pause(Math.max(0, startedAtMs + (index / keys.length) * forMs - Date.now()));
    const written: Written = { key, atMs: [], removedAtMs: [], content: '' };
    all.push(written);
    await put(written, 1);
    const [againMs, goneMs, backMs] = [random() * 2_000, random(), random()];
    const [isReplaced, isRemoved, isBack] = [random() < replaced, random() < removed, random() < 0.5];
    const version = random() < 0.5 ? 1 : 3;
    later.push(
      (async () => {
        if (isReplaced) await pause(againMs).then(() => put(written, 2));
        if (isRemoved) await pause(goneMs * REMOVED_WITHIN_MS).then(() => remove(written));
        if (isRemoved && isBack) await pause(backMs * BACK_WITHIN_MS).then(() => put(written, version));
      })(),
    );
  }
  await Promise.all(later);
  return all;
}

/** What the directories of videos contain at the end: the videos' keys, by the mistake in them. */
export interface Directories {
  /** Pictures of two versions. */
  mixed: string[];
  /** Pictures of an older version only. */
  old: string[];
  empty: string[];
}

export async function look(
  written: readonly Written[],
  { store, snapshotBucket }: Cloud,
): Promise<Directories> {
  const found: Directories = { mixed: [], old: [], empty: [] };
  for (const { key, content } of written) {
    if (content === undefined) continue;
    const { objects } = store.list(snapshotBucket, { prefix: `snapshots/${key}/`, maxKeys: 1000 });
    const pictures = objects.filter((object) => /\/\d+\.jpg$/.test(object.key));
    const texts = new Set(await Promise.all(pictures.map(({ filePath }) => readFile(filePath, 'utf8'))));
    if (texts.size === 0) found.empty.push(key);
    else if (texts.size > 1) found.mixed.push(key);
    else if (!texts.has(content)) found.old.push(key);
  }
  return found;
}

/** Objects in the snapshot bucket that are left of videos that are gone: pictures, files and records. */
export async function leftOver(written: readonly Written[], cloud: Cloud): Promise<string[]> {
  const { store, snapshotBucket, uploadBucket, mpc } = cloud;
  const gone = new Set(written.filter(({ content }) => content === undefined).map(({ key }) => key));
  const ids = mpc.tasks.list().flatMap(({ id, input }) => (gone.has(input.object) ? [id] : []));
  const recordsOf = (key: string) =>
    createHash('sha256')
      .update(JSON.stringify([uploadBucket, key]))
      .digest('hex')
      .slice(0, 40);
  const names = new Set([...ids, ...[...gone].map(recordsOf)]);
  const left: string[] = [];
  const { objects } = store.list(snapshotBucket, { maxKeys: 1_000_000 });
  for (const { key, filePath } of objects) {
    const [, folder, name = ''] = /^\.mpc-snapshots\/([\w-]+)\/([^/.]+)/.exec(key) ?? [];
    if (folder === 'failed-events' || folder === 'requests') continue;
    const [, video = ''] = /^snapshots\/(.+)\/[^/]+$/.exec(key) ?? [];
    const isNamed = names.has(name.replace(/^\d{13}-/, '')) || gone.has(video);
    if (isNamed || (folder !== undefined && isAbout(gone, await readFile(filePath, 'utf8')))) left.push(key);
  }
  return left;
}

function isAbout(gone: ReadonlySet<string>, record: string): boolean {
  return [...record.matchAll(/"(?:key|object)":"([^"]+)"/g)].some(([, key = '']) => gone.has(key));
}

/**
 * How far behind the pace (ms) each video's newest version got its task. The reference is a queue that starts as many
 * tasks a minute as the setting allows.
 */
export function behindThePace(
  written: readonly Written[],
  perMinute: number,
  taskAtMs: (key: string) => number | undefined,
): { key: string; behindMs: number }[] {
  let freeAtMs = 0;
  return written
    .flatMap(({ key, atMs }) =>
      atMs.map((uploadedAtMs) => ({ key, uploadedAtMs, isLast: uploadedAtMs === atMs.at(-1) })),
    )
    .sort((a, b) => a.uploadedAtMs - b.uploadedAtMs)
    .flatMap(({ key, uploadedAtMs, isLast }) => {
      const turnAtMs = Math.max(uploadedAtMs, freeAtMs);
      freeAtMs = turnAtMs + 60_000 / perMinute;
      const startedAtMs = taskAtMs(key);
      return isLast && startedAtMs !== undefined
        ? [{ key, behindMs: Math.max(0, startedAtMs - turnAtMs) }]
        : [];
    });
}

/** A malicious caller of the API, within the gateway's limits. */
export class HostileCaller {
  readonly answers = new Map<string, number>();
  #isOver = false;
  #number = 0;
  /** The last task in its answers. */
  #taskId = '1';

  /** @param createsPerMinute the part of MPC's quota that the gateway's limits leave to callers */
  constructor(
    private readonly cloud: Cloud,
    private readonly createsPerMinute: number,
    private readonly victim: () => string,
  ) {}

  /** Continues until `stop`. */
  async run(): Promise<void> {
    await Promise.all([
      this.#often(60_000 / this.createsPerMinute, () => this.#create()),
      this.#often(500, () => this.#call('GET', `?object=${encodeURIComponent(this.victim())}`)),
      this.#often(500, () => this.#call('GET', `/${this.#taskId}?wait=20`)),
      this.#often(500, () => this.#call('GET', '?size=100')),
      this.#often(1000, () => this.#call('DELETE', `/${1 + this.#number * 7919}`)),
    ]);
  }

  stop(): void {
    this.#isOver = true;
  }

  async #often(everyMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#isOver) await Promise.all([act(), pause(everyMs)]);
  }

  /** In turn: another video, a note like this service's own, another video's directory, records, the same key again. */
  #create(): Promise<void> {
    const number = this.#number++;
    const victim = this.victim();
    const { uploadBucket: bucket, snapshotBucket, region: location } = this.cloud;
    const input = { bucket, location, object: `hostile/${number}.mp4` };
    const plain = { input, thumbnail_para: { type: 'DOTS', dots: [1] } };
    const note = { claim: '0'.repeat(40), time_ms: [999_000] };
    const into = (object: string) => ({
      ...plain,
      output: { bucket: snapshotBucket, location, object },
      original_dir: 1,
    });
    const bodies = [
      plain,
      { ...plain, user_data: JSON.stringify({ 'mpc-snapshots': note }) },
      into(`snapshots/${victim}`),
      into(`/.mpc-snapshots//claims/./${number}`),
      { ...plain, input: { ...input, object: 'hostile/again.mp4' } },
    ];
    const headers = number % 5 === 4 ? { 'idempotency-key': 'again' } : {};
    return this.#call('POST', '', bodies[number % bodies.length], headers);
  }

  async #call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<void> {
    let status = 'no answer';
    try {
      const response = await fetch(`${this.cloud.addresses.gateway}/snapshots${path}`, {
        method,
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(40_000),
      });
      const text = await response.text();
      status = String(response.status);
      if (response.status === 202) this.#taskId = String(JSON.parse(text).task_id ?? this.#taskId);
    } catch {}
    const name = `${method} ${status}`;
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
  }
}
