import { createHash } from 'node:crypto';

/** A call to OBS or MPC, as it arrives. */
export interface CloudRequest {
  /** Host and port of the connection, where it matters. */
  address?: string;
  method: string;
  /** Encoded path and query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface CloudAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

export interface StoredObject {
  body: string;
  etag: string;
  lastModifiedMs: number;
}

interface DoubledTask {
  id: number;
  status: 'WAITING' | 'PROCESSING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';
  createdAtMs: number;
  endedAtMs?: number;
  arrivedAtMs: number;
  /** What stood in its video when it started to run. */
  read?: string;
  /** The key that signed the call. */
  accessKey: string;
  body: {
    input: { bucket: string; object: string };
    output: { bucket: string; object: string };
    user_data?: string;
    tar?: number;
    sync?: number;
  };
}

export interface CloudDoubleOptions {
  now: () => number;
  /** Whether ids and times are printed as numbers, as the examples of MPC's documents show them. */
  numbers: boolean;
  /** Number of the first page of MPC's list. */
  firstPage: 0 | 1;
  /** For so long a new task is missing from the list. */
  listLagMs: number;
  /** How far MPC's clock is ahead of the functions'. */
  clockAheadMs: number;
  /** Whether the answer to a synchronous request names the task. */
  syncTaskId: boolean;
  /** What a write that must not replace an object does where there is one. */
  conditionalWrites: 'ignored' | 'honoured';
  /**
   * How long each task in turn waits and then runs, over and over: it reads its video when it starts to run, and stores one
   * picture then and one at its end. It fails if there is no video then, or an unreadable one. Without it tasks wait for ever.
   */
  taskTimes: readonly { waitsMs: number; runsMs: number }[] | undefined;
  /** How many tasks are done in a minute, one after the other in the order in which they came. */
  tasksPerMinute: number | undefined;
}

/** What the documents leave open, read as the local cloud reads it, and nothing late. */
export const AS_THE_LOCAL_CLOUD: Omit<CloudDoubleOptions, 'now'> = {
  numbers: false,
  firstPage: 0,
  listLagMs: 0,
  clockAheadMs: 0,
  syncTaskId: true,
  conditionalWrites: 'ignored',
  taskTimes: undefined,
  tasksPerMinute: undefined,
};

/** The content of a video that MPC cannot read. */
export const UNREADABLE = 'unreadable';
const MAX_KEYS = 1000;
const MAX_PAGE = 50_000;

/**
 * OBS and MPC in memory, as far as the functions use them: objects, listings, tasks, their list. It checks neither
 * signatures nor bodies. That it answers as the local cloud does is tested.
 */
export class CloudDouble {
  readonly buckets = new Map<string, SortedObjects>();
  readonly tasks: DoubledTask[] = [];
  /** When each create call arrived, and who sent it. */
  readonly creates: { atMs: number; accessKey: string }[] = [];
  /** All calls that arrived. */
  calls = 0;
  mpcCalls = 0;
  /** Until when MPC refuses every call. */
  throttledUntilMs = 0;
  /** What MPC names the pictures of a task. */
  pictures: (taskId: number) => readonly string[] = () => ['0.jpg'];
  /** Whether the functions have the right to delete objects. */
  mayDelete = true;
  /** What happens to the buckets right before a later call: so many come before it. */
  meanwhile: { afterCalls: number; happens: () => void } | undefined;
  readonly #options: CloudDoubleOptions;
  /** The first task that has not ended, and when the ones before it have, where tasks run one after the other. */
  #queueAt = 0;
  #queueFreeAtMs = 0;

  /** Who is sent notices. */
  receiver: (request: CloudRequest) => CloudAnswer = () => ({ status: 204, body: '' });

  constructor(buckets: readonly string[], options: CloudDoubleOptions) {
    for (const bucket of buckets) this.buckets.set(bucket, new SortedObjects());
    this.#options = options;
  }

  put(bucket: string, key: string, body: string): StoredObject {
    this.runTasks();
    return this.#store(bucket, key, body);
  }

  /** @returns what was there */
  remove(bucket: string, key: string): StoredObject | undefined {
    this.runTasks();
    const object = this.buckets.get(bucket)?.get(key);
    this.buckets.get(bucket)?.delete(key);
    return object;
  }

  /** A delete marker is deleted: the object is there again, as old as it was. */
  restore(bucket: string, key: string, object: StoredObject): void {
    this.runTasks();
    this.buckets.get(bucket)?.set(key, object);
  }

  /** Lets tasks do what they have had the time for, in the order of time. */
  runTasks(): void {
    this.#runQueue();
    const { taskTimes, now } = this.#options;
    if (taskTimes === undefined) return;
    const steps = this.tasks.flatMap((task) => {
      const { waitsMs = 0, runsMs = 0 } = taskTimes[task.id % taskTimes.length] ?? {};
      const startsAtMs = task.arrivedAtMs + waitsMs;
      return [
        { task, atMs: startsAtMs, from: 'WAITING', to: 'PROCESSING' } as const,
        { task, atMs: startsAtMs + runsMs, from: 'PROCESSING', to: 'SUCCEEDED' } as const,
      ];
    });
    for (const { task, atMs, from, to } of steps.sort((a, b) => a.atMs - b.atMs)) {
      if (atMs > now() || task.status !== from) continue;
      const { input, output } = task.body;
      task.status = to;
      if (to === 'PROCESSING')
        task.read = this.buckets.get(input.bucket)?.get(input.object)?.body ?? UNREADABLE;
      if (task.read === UNREADABLE) task.status = 'FAILED';
      if (task.status !== 'PROCESSING') task.endedAtMs = atMs;
      if (task.status === 'FAILED') continue;
      this.#store(output.bucket, `${output.object}/${to === 'PROCESSING' ? 0 : 1}.jpg`, task.read ?? '');
    }
  }

  #runQueue(): void {
    const { tasksPerMinute, now } = this.#options;
    if (tasksPerMinute === undefined) return;
    for (; this.#queueAt < this.tasks.length; this.#queueAt++) {
      const task = this.tasks[this.#queueAt];
      if (task === undefined || task.status === 'CANCELED') continue;
      const startsAtMs = Math.max(this.#queueFreeAtMs, task.arrivedAtMs);
      const endsAtMs = startsAtMs + 60_000 / tasksPerMinute;
      if (startsAtMs <= now()) task.status = 'PROCESSING';
      if (endsAtMs > now()) return;
      task.status = 'SUCCEEDED';
      task.endedAtMs = endsAtMs;
      this.#queueFreeAtMs = endsAtMs;
    }
  }

  #store(bucket: string, key: string, body: string): StoredObject {
    const object = {
      body,
      etag: createHash('md5').update(body).digest('hex'),
      lastModifiedMs: this.#options.now(),
    };
    this.buckets.get(bucket)?.set(key, object);
    return object;
  }

  /** MPC has done a task: its pictures lie in the bucket. */
  end(id: number, status: 'SUCCEEDED' | 'FAILED' | 'CANCELED' = 'SUCCEEDED'): void {
    const task = this.tasks.find((candidate) => candidate.id === id);
    if (task === undefined) throw new Error(`no task ${id}`);
    task.status = status;
    task.endedAtMs = this.#options.now();
    if (status !== 'SUCCEEDED') return;
    const { bucket, object } = task.body.output;
    for (const name of this.pictures(id)) this.put(bucket, `${object}/${name}`, `${id} ${name}`);
  }

  handle(request: CloudRequest): CloudAnswer {
    this.calls += 1;
    if (this.meanwhile !== undefined && this.meanwhile.afterCalls-- <= 0) {
      const { happens } = this.meanwhile;
      this.meanwhile = undefined;
      happens();
    }
    if (request.headers['webhook-id'] !== undefined) return this.receiver(request);
    return this.arrive(request) ?? this.serve(request);
  }

  /** What the gateway in front of MPC does: it counts the call. @returns its refusal when the quota is used up */
  arrive(request: CloudRequest): CloudAnswer | undefined {
    if (!isForMpc(request)) return undefined;
    this.mpcCalls += 1;
    const atMs = this.#options.now();
    const isThrottled = atMs < this.throttledUntilMs;
    if (request.method === 'POST') this.creates.push({ atMs, accessKey: accessKeyOf(request) });
    if (!isThrottled) return undefined;
    const seconds = Math.ceil((this.throttledUntilMs - atMs) / 1000);
    return mpcError(429, 'APIGW.0308', { 'retry-after': String(seconds) });
  }

  /** What the service behind it does. */
  serve(request: CloudRequest): CloudAnswer {
    this.runTasks();
    const [path = '', search = ''] = request.path.split('?');
    const query = new URLSearchParams(search);
    return isForMpc(request) ? this.#mpc(request, query) : this.#obs(request, path, query);
  }

  #obs({ method, headers, body }: CloudRequest, path: string, query: URLSearchParams): CloudAnswer {
    const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const objects = this.buckets.get(bucket);
    if (objects === undefined) return obsError(404, 'NoSuchBucket');
    if (method === 'PUT') {
      const isConditional =
        headers['x-obs-forbid-overwrite'] === 'true' && this.#options.conditionalWrites === 'honoured';
      if (isConditional && objects.has(key)) return obsError(409, 'ObjectAlreadyExists');
      const [, from = '', ...source] = (headers['x-obs-copy-source'] ?? '')
        .split('/')
        .map(decodeURIComponent);
      this.put(bucket, key, from === '' ? body : (this.buckets.get(from)?.get(source.join('/'))?.body ?? ''));
      return { status: 200, body: '' };
    }
    if (method === 'DELETE') {
      if (!this.mayDelete) return obsError(403, 'AccessDenied');
      objects.delete(key);
      return { status: 204, body: '' };
    }
    if (key === '') return list(objects, query);
    const object = objects.get(key);
    return object === undefined ? obsError(404, 'NoSuchKey') : { status: 200, body: object.body };
  }

  #mpc(request: CloudRequest, query: URLSearchParams): CloudAnswer {
    if (request.method === 'POST') return this.#create(request);
    if (request.method === 'DELETE') return this.#cancel(query.get('task_id') ?? '');
    const ids = query.getAll('task_id');
    return ids.length > 0
      ? this.#answer(
          this.tasks.filter(({ id }) => ids.includes(String(id))),
          false,
        )
      : this.#list(query);
  }

  #create(request: CloudRequest): CloudAnswer {
    const body = JSON.parse(request.body);
    const id = this.tasks.length + 1;
    const task: DoubledTask = {
      id,
      status: body.sync === 1 ? 'SUCCEEDED' : 'WAITING',
      createdAtMs: this.#options.now() + this.#options.clockAheadMs,
      arrivedAtMs: this.#options.now(),
      accessKey: accessKeyOf(request),
      body,
    };
    this.tasks.push(task);
    const picture = body.sync === 1 ? { output: body.output, output_file_name: '0.jpg' } : {};
    const named = body.sync !== 1 || this.#options.syncTaskId ? { task_id: this.#id(task) } : {};
    return { status: 202, body: JSON.stringify({ ...named, ...picture }) };
  }

  #cancel(id: string): CloudAnswer {
    const task = this.tasks.find((candidate) => String(candidate.id) === id);
    if (task === undefined) return mpcError(403, 'MPC.10211');
    if (task.status !== 'WAITING') return mpcError(400, 'MPC.10212');
    task.status = 'CANCELED';
    return { status: 204, body: '' };
  }

  #list(query: URLSearchParams): CloudAnswer {
    const { firstPage, listLagMs, clockAheadMs } = this.#options;
    const times = [query.get('start_time'), query.get('end_time')].filter((time) => time !== null);
    if (Number(query.get('page')) > MAX_PAGE || !times.every((time) => /^[12]\d{13}$/.test(time)))
      return mpcError(400, 'MPC.10202');
    const nowMs = this.#options.now() + clockAheadMs;
    const status = query.get('status') ?? '';
    const matching = this.tasks.filter(
      (task) =>
        task.createdAtMs <= nowMs - listLagMs &&
        (status === '' || task.status === status) &&
        timeOf(task) >= (query.get('start_time') ?? '') &&
        timeOf(task) <= (query.get('end_time') ?? '9'),
    );
    matching.reverse();
    const size = Number(query.get('size') ?? 10);
    const first = Math.max(0, Number(query.get('page') ?? 0) - firstPage) * size;
    return this.#answer(matching.slice(first, first + size), first + size < matching.length, matching.length);
  }

  #answer(tasks: readonly DoubledTask[], isTruncated: boolean, total = tasks.length): CloudAnswer {
    const task_array = tasks.map((task) => ({
      task_id: this.#id(task),
      status: task.status,
      create_time: this.#options.numbers ? Number(timeOf(task)) : timeOf(task),
      input: task.body.input,
      output: task.body.output,
      user_data: task.body.user_data,
      ...(task.endedAtMs !== undefined && { end_time: compactTime(task.endedAtMs) }),
      ...(task.status === 'SUCCEEDED' && {
        thumbnail_info: this.pictures(task.id).map((pic_name) => ({ pic_name })),
        ...(task.body.tar === 0 && { output_file_name: `${task.id}.tar` }),
      }),
    }));
    return {
      status: 200,
      body: JSON.stringify({ task_array, is_truncated: isTruncated ? 1 : 0, total }),
    };
  }

  #id({ id }: DoubledTask): string | number {
    return this.#options.numbers ? id : String(id);
  }
}

function isForMpc({ path }: CloudRequest): boolean {
  return /^\/v1\/\w+\/thumbnails(\?|$)/.test(path);
}

function timeOf({ createdAtMs }: DoubledTask): string {
  return compactTime(createdAtMs);
}

/** `yyyymmddhhmmss`, UTC. */
function compactTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\D/g, '').slice(0, 14);
}

/** The id of the key that signed a call: in the header, or in an address for OBS. */
export function accessKeyOf({ path, headers }: CloudRequest): string {
  const [, key = ''] =
    /Access=([^,]+)/.exec(headers.authorization ?? '') ?? /AccessKeyId=([^&]+)/.exec(path) ?? [];
  return key;
}

/** Objects by key, and their keys in order, so that a listing costs what it shows. */
class SortedObjects extends Map<string, StoredObject> {
  #keys: string[] | undefined;

  override set(key: string, object: StoredObject): this {
    if (!this.has(key)) this.#keys?.splice(this.#placeOf(this.#keys, key), 0, key);
    return super.set(key, object);
  }

  override delete(key: string): boolean {
    const isThere = super.delete(key);
    if (isThere) this.#keys?.splice(this.#placeOf(this.#keys, key), 1);
    return isThere;
  }

  override clear(): void {
    this.#keys = undefined;
    super.clear();
  }

  /** Keys with this prefix behind the marker, in order, no more than so many. */
  list(prefix: string, marker: string, count: number, isListed: (key: string) => boolean): string[] {
    this.#keys ??= [...this.keys()].sort(compare);
    const keys = this.#keys;
    const listed: string[] = [];
    const isBehindMarker = marker !== '' && compare(marker, prefix) >= 0;
    for (let at = this.#placeOf(keys, isBehindMarker ? marker : prefix); listed.length < count; at++) {
      const key = keys[at];
      if (key === undefined || !key.startsWith(prefix)) break;
      if (key !== marker && isListed(key)) listed.push(key);
    }
    return listed;
  }

  /** Of the first key that does not come before this one. */
  #placeOf(keys: readonly string[], key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function list(objects: SortedObjects, query: URLSearchParams): CloudAnswer {
  const marker = query.get('marker') ?? '';
  const prefix = query.get('prefix') ?? '';
  const maxKeys = Math.min(MAX_KEYS, Number(query.get('max-keys') ?? MAX_KEYS));
  const isShown = (key: string) => !query.has('delimiter') || !key.includes('/', prefix.length);
  const keys = objects.list(prefix, marker, maxKeys + 1, isShown);
  const shown = keys.slice(0, maxKeys).map((key) => {
    const { body, etag, lastModifiedMs } = objects.get(key) ?? { body: '', etag: '', lastModifiedMs: 0 };
    const lastModified = new Date(lastModifiedMs).toISOString();
    return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${lastModified}</LastModified><ETag>"${etag}"</ETag><Size>${Buffer.byteLength(body)}</Size></Contents>`;
  });
  return {
    status: 200,
    body: `<ListBucketResult><IsTruncated>${keys.length > maxKeys}</IsTruncated>${shown.join('')}</ListBucketResult>`,
  };
}

/** Keys come in the order of their UTF-8 bytes. */
function compare(a: string, b: string): number {
  // Below surrogates both orders are the same.
  return isPlain(a) && isPlain(b)
    ? a < b
      ? -1
      : Number(a > b)
    : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isPlain(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key);
}

function obsError(status: number, code: string): CloudAnswer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}

function mpcError(status: number, code: string, headers: Record<string, string> = {}): CloudAnswer {
  return { status, headers, body: JSON.stringify({ error_code: code, error_msg: code }) };
}
