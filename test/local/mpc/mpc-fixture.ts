import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import type { AccessLogEntry } from '../../../local/front';
import { listen } from '../../../local/http-server';
import { type AccessKey, Credentials } from '../../../local/iam/credentials';
import { CaptureError } from '../../../local/mpc/capture/capture-error';
import type { Video } from '../../../local/mpc/capture/capture-pool';
import type { Capture } from '../../../local/mpc/collaborators';
import { createMpc, type Mpc, type MpcOptions } from '../../../local/mpc/server';
import { ObjectStore } from '../../../local/obs/object-store';
import { until } from '../../wait';

export const REGION = 'cn-north-4';
export const PROJECT = '0530000000000000000000000000abcd';
export const KEY: AccessKey = { accessKey: 'LOCALACCESSKEY', secretKey: 'local-secret', projectId: PROJECT };

/** A file that the scripted capture takes for a video: its description as JSON. */
export interface ScriptedVideo {
  durationMs?: number;
  width?: number;
  height?: number;
  /** Where the last frame really is, when the header does not say how long the video is. */
  lastFrameMs?: number;
  audioOnly?: true;
}

/**
 * Stands in for the frame grabber: "videos" are ScriptedVideo files, "pictures" say of which moment and size they are.
 * While `gate` is set, every frame waits for it.
 */
class ScriptedCapture implements Capture {
  gate: Promise<void> | undefined;
  #open: (() => void) | undefined;
  readonly started: string[] = [];
  /** Pictures are filled up to this size. */
  jpegBytes = 0;

  /** Frames wait until `release()`. */
  hold(): void {
    this.gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.gate = undefined;
    this.#open?.();
  }

  async open(filePath: string): Promise<Video> {
    const { durationMs, width = 1280, height = 720 } = read(filePath);
    return {
      info: { durationMs, width, height, codec: 'h264', frameRate: 25 },
      capture: (...job) => this.capture(filePath, ...job),
      close: () => {},
    };
  }

  async capture(
    filePath: string,
    { points, size }: Parameters<Video['capture']>[0],
    onFrame: Parameters<Video['capture']>[1],
    signal?: AbortSignal,
  ): Promise<void> {
    const video = read(filePath);
    const lastMs = video.lastFrameMs ?? (video.durationMs ?? 0) - 40;
    this.started.push(filePath);
    const aborted = once(signal ?? new AbortController().signal, 'abort').then(() => {
      throw signal?.reason;
    });
    for (const [index, point] of points.entries()) {
      await Promise.race([this.gate, aborted]);
      const presentationMs = point === 'last' ? lastMs : Math.min(point, lastMs);
      const jpeg = Buffer.from(JSON.stringify({ presentationMs, size }).padEnd(this.jpegBytes));
      const end = point === 'last' ? { endMs: presentationMs + 40 } : {};
      await onFrame({ index, presentationMs, ...end, width: 1, height: 1, jpeg });
    }
  }
}

function read(filePath: string): ScriptedVideo {
  let video: ScriptedVideo;
  try {
    video = JSON.parse(readFileSync(filePath, 'utf8'));
  } catch {
    throw new CaptureError('unreadable', 'The file is not a video.');
  }
  if (video.audioOnly) throw new CaptureError('no_video_stream', 'The file has no video stream.');
  return video;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  body: any;
}

export interface Call {
  query?: Record<string, string | string[]>;
  body?: unknown;
  /** Sent as it is instead of `body`. */
  rawBody?: string;
  contentType?: string;
  path?: string;
  key?: AccessKey;
  securityToken?: string;
  headers?: Record<string, string>;
}

const fixtures: MpcFixture[] = [];

/** Ends every fixture that a test has left open. */
export async function closeFixtures(): Promise<void> {
  for (const fixture of fixtures.splice(0)) {
    await fixture.mpc.close();
    await fixture.store.close();
    rmSync(fixture.directory, { recursive: true, force: true });
  }
}

/** A running MPC with the buckets `uploads` and `snapshots` and a 20 s video `movie.mp4`. */
export class MpcFixture {
  nowMs = Date.UTC(2026, 10, 23, 12, 0, 0);
  readonly log: AccessLogEntry[] = [];
  readonly capture = new ScriptedCapture();
  readonly directory = mkdtempSync(path.join(tmpdir(), 'mpc-'));
  store!: ObjectStore;
  mpc!: Mpc;
  endpoint!: string;

  static async open(options: Partial<MpcOptions> = {}): Promise<MpcFixture> {
    const fixture = new MpcFixture();
    fixture.store = await ObjectStore.open(path.join(fixture.directory, 'store'));
    for (const bucket of ['uploads', 'snapshots']) await fixture.store.createBucket(bucket);
    await fixture.upload('movie.mp4', { durationMs: 20_000 });
    await fixture.start(options);
    fixtures.push(fixture);
    return fixture;
  }

  async start(options: Partial<MpcOptions> = {}): Promise<void> {
    this.mpc = await createMpc({
      store: this.store,
      capture: this.capture,
      credentials: new Credentials(KEY),
      region: REGION,
      clock: () => this.nowMs,
      onRequest: (entry) => this.log.push(entry),
      ...options,
    });
    this.endpoint = `http://127.0.0.1:${await listen(this.mpc.server, 0)}`;
  }

  async upload(key: string, video: ScriptedVideo | string | Buffer): Promise<void> {
    const isRaw = typeof video === 'string' || Buffer.isBuffer(video);
    await this.store.put('uploads', key, Buffer.from(isRaw ? video : JSON.stringify(video)));
  }

  /** Keys in the bucket `snapshots`. */
  keys(): string[] {
    return this.store.list('snapshots').objects.map(({ key }) => key);
  }

  /** Bytes of an object in the bucket `snapshots`. */
  object(key: string): Buffer {
    return readFileSync(this.store.head('snapshots', key)!.filePath);
  }

  /** Sends a request signed by the vendor's signer. */
  async call(method: string, call: Call = {}): Promise<Answer> {
    const { query = {}, body, rawBody, key = KEY } = call;
    const url = new URL(call.path ?? `/v1/${PROJECT}/thumbnails`, this.endpoint);
    const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers: Record<string, string> = {
      'X-Sdk-Date': new Date(this.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, ''),
      'content-type': call.contentType ?? 'application/json',
    };
    if (call.securityToken !== undefined) headers['X-Security-Token'] = call.securityToken;
    if (rawBody !== undefined) {
      headers['X-Sdk-Content-Sha256'] = createHash('sha256').update(rawBody).digest('hex');
    }
    const signed = AKSKSigner.sign(
      { method, endpoint: url.href, headers, queryParams: structuredClone(query), data: body } as never,
      { getAk: () => key.accessKey, getSk: () => key.secretKey } as never,
    ) as Record<string, string>;
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) url.searchParams.append(name, value);
    }
    delete signed.host; // fetch sets it itself
    const response = await fetch(url, {
      method,
      headers: { ...signed, ...call.headers },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  }

  create(body: unknown): Promise<Answer> {
    return this.call('POST', { body });
  }

  cancel(taskId: string): Promise<Answer> {
    return this.call('DELETE', { query: { task_id: taskId } });
  }

  list(query: Record<string, string | string[]> = {}): Promise<Answer> {
    return this.call('GET', { query });
  }

  /** Creates a task that must be accepted; resolves with its id. */
  async accepted(body: unknown): Promise<string> {
    const answer = await this.create(body);
    if (answer.status !== 202) throw new Error(JSON.stringify({ ...answer, log: this.log.at(-1) }));
    return String(answer.body.task_id);
  }

  /** The task as the list shows it, once it is in a final state. */
  async ended(taskId: string) {
    await until(() => this.mpc.tasks.get(taskId)?.endedAtMs !== undefined, { what: `the end of ${taskId}` });
    return this.one(taskId);
  }

  async one(taskId: string) {
    return (await this.list({ task_id: taskId })).body.task_array[0];
  }
}

/** A valid request body for `movie.mp4`; the fields given replace those of the default. */
export function request(fields: Record<string, unknown> = {}, para: Record<string, unknown> = {}) {
  return {
    input: { bucket: 'uploads', location: REGION, object: 'movie.mp4' },
    output: { bucket: 'snapshots', location: REGION, object: 'out' },
    original_dir: 1,
    thumbnail_para: { type: 'TIME', time: 11, ...para },
    ...fields,
  };
}

/** A valid request for one synchronous picture. */
export function syncRequest(para: Record<string, unknown> = { type: 'DOTS', dots: [2] }) {
  return { ...request({ sync: 1 }), thumbnail_para: para };
}
