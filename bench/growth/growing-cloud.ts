import { claimsFolder } from '../../shared/tasks/claim-record';
import {
  AS_THE_LOCAL_CLOUD,
  type CloudAnswer,
  CloudDouble,
  type CloudRequest,
} from '../../test/model/cloud-double';
import { type FunctionName, FunctionsDouble, type Outcome } from '../../test/model/functions-double';
import { timer, uploadRecord } from '../../test/model/installation-double';
import { VirtualTime } from '../../test/model/virtual-time';

export const VIDEOS = 'videos';
export const SNAPSHOTS = 'snapshots';
export const MINUTE_MS = 60_000;

/** How long an answer takes, ms. These are assumptions, the same as in the older simulation. */
const ANSWER_MS = { GET: 20, PUT: 30, DELETE: 30, LIST: 60, MPC: 200 } as const;
export type Kind = keyof typeof ANSWER_MS;

const LIBRARY = 'library/';
const DIGITS = 8;
const PAGE = 1000;
const SETTLED_AT = new Date(Date.UTC(2026, 0, 1)).toISOString();

/**
 * The cloud of the model-based test with a library of any size behind it that takes no memory. Every video of the
 * library has its task.
 */
export class GrowingCloud extends CloudDouble {
  /** The number of videos in the library. */
  librarySize = 0;
  readonly counts: Record<Kind, number> = { GET: 0, PUT: 0, DELETE: 0, LIST: 0, MPC: 0 };
  /** Folders with records of videos outside the library. */
  readonly #others = new Set<string>();

  override put(bucket: string, key: string, body: string) {
    if (bucket === VIDEOS) this.#others.add(claimsFolder(bucket, key));
    return super.put(bucket, key, body);
  }

  override handle(request: CloudRequest): CloudAnswer {
    this.counts[kindOf(request)] += 1;
    const [path = '', search = ''] = request.path.split('?');
    const query = new URLSearchParams(search);
    if (request.method === 'POST' && /"object":"refused\//.test(request.body)) {
      super.arrive(request);
      return { status: 400, body: '{"error_code":"MPC.10202","error_msg":"the video cannot be read"}' };
    }
    if (this.librarySize > 0 && request.method === 'GET') {
      if (path === `/${VIDEOS}/`) return this.#listLibrary(request, query);
      const [folder] = /\.mpc-snapshots\/claims\/\w+\//.exec(path) ?? [];
      if (folder !== undefined && !this.#others.has(folder)) return SETTLED;
    }
    return super.handle(request);
  }

  #listLibrary(request: CloudRequest, query: URLSearchParams): CloudAnswer {
    const prefix = query.get('prefix') ?? '';
    const marker = query.get('marker') ?? '';
    const after = marker < LIBRARY ? -1 : Number(marker.slice(LIBRARY.length, LIBRARY.length + DIGITS));
    const isOver = !marker.startsWith(LIBRARY) && marker > LIBRARY;
    const first = after + 1;
    if (prefix !== '' || isOver || Number.isNaN(first) || first >= this.librarySize)
      return super.handle(request);
    const count = Math.min(PAGE, this.librarySize - first);
    const shown = Array.from({ length: count }, (_, at) => contents(first + at));
    return {
      status: 200,
      body: `<ListBucketResult><IsTruncated>true</IsTruncated>${shown.join('')}</ListBucketResult>`,
    };
  }
}

const SETTLED: CloudAnswer = {
  status: 200,
  body: JSON.stringify({
    state: 'accepted',
    claimed_at_ms: Date.parse(SETTLED_AT),
    task_id: '1',
    answer: {},
  }),
};

function contents(number: number): string {
  // Spread over the parts of the week, like hashes.
  const etag = Math.imul(number, 2_654_435_761) >>> 0;
  const key = `${LIBRARY}${String(number).padStart(DIGITS, '0')}.mp4`;
  return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${SETTLED_AT}</LastModified><ETag>"${etag.toString(16).padStart(8, '0')}"</ETag><Size>9</Size></Contents>`;
}

function kindOf({ method, path }: CloudRequest): Kind {
  if (path.includes('/thumbnails')) return 'MPC';
  if (method === 'PUT' || method === 'DELETE') return method;
  return /^\/[^/?]+\/(\?|$)/.test(path) ? 'LIST' : 'GET';
}

/** The result of invocations. */
export interface Work {
  invocations: number;
  ms: number;
  calls: Record<Kind, number>;
}

/** What happens to events when the only instance is busy: the documents say both. */
export type Reading = 'queued' | 'discarded';
/** Timers do not depend on the uploads. */
const FIRST_SWEEP_MS = 37_411;
const MAX_EVENT_AGE_MS = 3_600_000;

/** An installation in virtual time whose calls take time, and its cost. */
export class Growth {
  readonly time = new VirtualTime(Date.UTC(2026, 10, 23, 8));
  readonly cloud: GrowingCloud;
  readonly functions: FunctionsDouble;
  readonly work = new Map<FunctionName, Work>();
  aged = 0;
  discarded = 0;

  constructor({
    tasksPerMinute = 1000,
    userData = {},
  }: { tasksPerMinute?: number; userData?: Record<string, string> }) {
    this.cloud = new GrowingCloud([VIDEOS, SNAPSHOTS], {
      ...AS_THE_LOCAL_CLOUD,
      now: () => this.time.nowMs,
      tasksPerMinute,
    });
    const settings = {
      REGION: 'ap-southeast-3',
      UPLOAD_BUCKETS: VIDEOS,
      SNAPSHOT_BUCKET: SNAPSHOTS,
      // No host is looked up: calls end in memory.
      MPC_ENDPOINT: 'http://mpc',
      OBS_ENDPOINT: 'http://127.0.0.1',
      LOG_LEVEL: 'error',
      ...userData,
    };
    this.functions = new FunctionsDouble(
      this.cloud,
      this.time,
      settings,
      (request) => ANSWER_MS[kindOf(request)],
    );
  }

  upload(key: string): unknown {
    const { etag } = this.cloud.put(VIDEOS, key, key);
    return uploadRecord(VIDEOS, key, etag);
  }

  /** Runs one invocation. @returns what it did */
  async run(name: FunctionName, event: unknown): Promise<Work & { outcome: Outcome }> {
    const before = { ...this.cloud.counts };
    const began = this.time.nowMs;
    const outcome = await this.functions.invoke(name, event);
    this.functions.logLines.length = 0;
    const kinds = Object.keys(before) as Kind[];
    const calls = Object.fromEntries(kinds.map((kind) => [kind, this.cloud.counts[kind] - before[kind]]));
    const one = { invocations: 1, ms: this.time.nowMs - began, calls: calls as Record<Kind, number> };
    const sum = this.work.get(name) ?? {
      invocations: 0,
      ms: 0,
      calls: { GET: 0, PUT: 0, DELETE: 0, LIST: 0, MPC: 0 },
    };
    sum.invocations += 1;
    sum.ms += one.ms;
    for (const kind of kinds) sum.calls[kind] += one.calls[kind];
    this.work.set(name, sum);
    return { ...one, outcome };
  }

  sweep = (options: object = {}) => this.run('on-upload', timer(options));
  finish = () => this.run('on-finish', timer({}));
  cleanUp = () => this.run('cancel', timer({}));

  /**
   * Plays events, with a sweep every minute and the clean-up every ten, through the only instance of on-upload.
   * @param events in the order of time, from now on (ms)
   * @param isOver is called after every invocation
   */
  async live(
    events: readonly { afterMs: number; make: () => unknown }[],
    reading: Reading,
    isOver: () => boolean,
  ): Promise<void> {
    const startMs = this.time.nowMs;
    const waiting: { atMs: number; event: unknown }[] = [];
    let next = 0;
    let sweepAtMs = startMs + FIRST_SWEEP_MS;
    let cleanUpAtMs = startMs + 10 * MINUTE_MS;
    let busySinceMs = startMs;
    const arrive = () => {
      for (;;) {
        const one = events[next];
        const eventAtMs = one === undefined ? Number.POSITIVE_INFINITY : startMs + one.afterMs;
        const atMs = Math.min(eventAtMs, sweepAtMs);
        if (atMs > this.time.nowMs) return;
        const isEvent = eventAtMs <= sweepAtMs;
        const event = isEvent ? one?.make() : timer({});
        if (isEvent) next += 1;
        else sweepAtMs += MINUTE_MS;
        const isBusy = atMs > busySinceMs && atMs < this.time.nowMs;
        if (reading === 'discarded' && (isBusy || waiting.length > 0)) this.discarded += 1;
        else waiting.push({ atMs, event });
      }
    };
    while (!isOver()) {
      arrive();
      const one = waiting.shift();
      if (one === undefined) {
        const eventAtMs = startMs + (events[next]?.afterMs ?? Number.POSITIVE_INFINITY);
        await this.time.pass(Math.max(0, Math.min(eventAtMs, sweepAtMs) - this.time.nowMs));
        busySinceMs = this.time.nowMs;
        continue;
      }
      if (this.time.nowMs - one.atMs > MAX_EVENT_AGE_MS) {
        this.aged += 1;
        continue;
      }
      busySinceMs = this.time.nowMs;
      await this.run('on-upload', one.event);
      if (this.time.nowMs < cleanUpAtMs) continue;
      cleanUpAtMs += 10 * MINUTE_MS;
      await this.cleanUp();
    }
  }
}
