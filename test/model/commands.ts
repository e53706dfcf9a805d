import fc from 'fast-check';
import { postEvent } from '../functions/installation';
import { type StoredObject, UNREADABLE } from './cloud-double';
import { FATES, type Fate, type Fates, type FunctionName, type Outcome } from './functions-double';
import {
  ARCHIVE,
  type InstallationDouble,
  removalRecord,
  timer,
  uploadRecord,
  VIDEOS,
} from './installation-double';

/** An event that the platform still has to deliver. */
interface PendingEvent {
  bucket: string;
  key: string;
  etag: string;
  attempts: number;
  /** What it says, if it is about a removal. */
  removal?: string;
}

/** A video that was removed: when, and what it was. */
interface Removal {
  atMs: number;
  /** Absent before the video was there for the first time. */
  object?: StoredObject | undefined;
  /** When it came back, if it did. */
  backMs?: number;
}

/** What a history has brought about so far; what must hold in the end follows from it. */
export interface History {
  service: InstallationDouble;
  pending: PendingEvent[];
  /** Videos as they are now in the buckets, `bucket/key` → ETag. */
  videos: Map<string, string>;
  /** Videos that were removed, `bucket/key`, the last removal last. */
  removals: Map<string, Removal[]>;
  /** Videos of which an old version was deleted, `bucket/key`. */
  shortened: Set<string>;
  /** All ETags that each video has had. */
  etags: Map<string, Set<string>>;
  /** How often each video was written or came back, `bucket/key` → count. */
  versions: Map<string, number>;
  /** Uploads and idempotency keys with which two instances worked at the same time. */
  overlapped: Set<string>;
  /** Task ids that callers were told, by idempotency key. */
  answers: Map<string, Set<string>>;
  duplicates: Set<string>;
  /** So many notices more are answered 503. */
  deafFor: number;
}

export function newHistory(service: InstallationDouble): History {
  return {
    service,
    pending: [],
    videos: new Map(),
    removals: new Map(),
    shortened: new Set(),
    etags: new Map(),
    versions: new Map(),
    overlapped: new Set(),
    answers: new Map(),
    duplicates: new Set(),
    deafFor: 0,
  };
}

const uploadName = ({ bucket, key, etag }: PendingEvent) => `${bucket}/${key} ${etag}`;

/** Remembers what a sweep reported. */
export function noteSweep(history: History, outcome: Outcome): Record<string, unknown> | undefined {
  if (outcome.kind !== 'returned') return undefined;
  const report = outcome.value as { duplicates: { task_ids: string[] }[] };
  for (const { task_ids } of report.duplicates) for (const id of task_ids) history.duplicates.add(id);
  return report as unknown as Record<string, unknown>;
}

abstract class Step implements fc.AsyncCommand<object, History> {
  check(): boolean {
    return true;
  }
  abstract run(model: object, history: History): Promise<void>;
  abstract toString(): string;
}

const KEYS = ['a.mp4', 'b c+ä%.MOV', 'c/d.mp4', 'e.mp4', 'f.mp4'];
/** FunctionGraph tries an event again at most so often. */
const MAX_RETRIES = 3;

/** Something happens to a bucket, at once: also between two calls of a function. */
abstract class Change extends Step {
  async run(_: object, history: History) {
    this.happen(history);
  }
  abstract happen(history: History): void;
}

class Upload extends Change {
  constructor(
    readonly key: string,
    readonly content: string,
    readonly bucket: string,
  ) {
    super();
  }
  happen(history: History) {
    const { bucket, key } = this;
    // Of two writes in one millisecond nobody could tell.
    history.service.time.nowMs += 1;
    const { etag } = history.service.cloud.put(bucket, key, this.content);
    isThere(`${bucket}/${key}`, etag, history);
    history.pending.push({ bucket, key, etag, attempts: 0 });
  }
  toString() {
    return `upload ${this.bucket}/${this.key} "${this.content}"`;
  }
}

function isThere(name: string, etag: string, history: History): void {
  const { versions, videos, etags, removals, service } = history;
  const absences = removals.get(name) ?? [{ atMs: 0 }];
  removals.set(name, absences);
  const last = absences.at(-1);
  if (last !== undefined && !videos.has(name)) last.backMs = service.time.nowMs;
  versions.set(name, (versions.get(name) ?? 0) + 1);
  videos.set(name, etag);
  etags.set(name, (etags.get(name) ?? new Set()).add(etag));
}

const DELETED = 'ObjectRemoved:Delete';
const MARKED = 's3:ObjectRemoved:DeleteMarkerCreated';

/** Somebody deletes a video; in a versioned bucket that writes a delete marker. */
export class Remove extends Change {
  constructor(
    readonly key: string,
    readonly bucket: string,
    readonly removal: string,
  ) {
    super();
  }
  happen({ service, videos, removals, pending }: History) {
    const { bucket, key, removal } = this;
    const name = `${bucket}/${key}`;
    if (!videos.delete(name)) return;
    service.time.nowMs += 1;
    const object = service.cloud.remove(bucket, key);
    const before = removals.get(name) ?? [];
    removals.set(name, [...before, { atMs: service.time.nowMs, object }]);
    pending.push({ bucket, key, etag: '', attempts: 0, removal });
  }
  toString() {
    return `remove ${this.bucket}/${this.key} (${this.removal})`;
  }
}

/** The delete marker of a video is deleted: the video is back, as old as before, and the event is one of a removal. */
class Restore extends Change {
  constructor(
    readonly key: string,
    readonly bucket: string,
  ) {
    super();
  }
  happen(history: History) {
    const { bucket, key } = this;
    const name = `${bucket}/${key}`;
    const last = history.removals.get(name)?.at(-1);
    if (last?.object === undefined || history.videos.has(name)) return;
    history.service.time.nowMs += 1;
    history.service.cloud.restore(bucket, key, last.object);
    isThere(name, last.object.etag, history);
    history.pending.push({ bucket, key, etag: '', attempts: 0, removal: DELETED });
  }
  toString() {
    return `delete the delete marker of ${this.bucket}/${this.key}`;
  }
}

/** An older version of a video is deleted, by a lifecycle rule for example. */
class RemoveVersion extends Change {
  constructor(
    readonly key: string,
    readonly bucket: string,
  ) {
    super();
  }
  happen({ pending, shortened }: History) {
    const { bucket, key } = this;
    shortened.add(`${bucket}/${key}`);
    pending.push({ bucket, key, etag: '', attempts: 0, removal: DELETED });
  }
  toString() {
    return `an old version of ${this.bucket}/${this.key} is deleted`;
  }
}

/** Something happens to a bucket while a function works. */
class Meanwhile extends Step {
  constructor(
    readonly step: Step,
    readonly afterCalls: number,
    readonly change: Change,
  ) {
    super();
  }
  async run(model: object, history: History) {
    const { cloud } = history.service;
    cloud.meanwhile = { afterCalls: this.afterCalls, happens: () => this.change.happen(history) };
    await this.step.run(model, history);
    cloud.meanwhile = undefined;
  }
  toString() {
    return `${this.step}; after ${this.afterCalls} calls: ${this.change}`;
  }
}

/** The timer of on-finish while another function works. */
class FinishBeside extends Step {
  constructor(
    readonly other: 'event' | 'sweep' | 'query' | 'clean up',
    readonly index: number,
    readonly order: readonly boolean[],
    readonly isWhole: boolean,
  ) {
    super();
  }
  async run(_: object, { service, pending }: History) {
    const event = pending[this.index % Math.max(1, pending.length)];
    const others: Record<typeof this.other, [FunctionName, unknown]> = {
      event: ['on-upload', { Records: event ? [recordOf(event)] : [] }],
      sweep: ['on-upload', timer({ whole: this.isWhole })],
      query: ['query', { httpMethod: 'GET', path: '/snapshots', queryStringParameters: {} }],
      'clean up': ['cancel', timer({})],
    };
    const [name, other] = others[this.other];
    // Both run in instances of their own, and of on-upload there is only one.
    service.functions.close();
    await service.functions.invokeBoth(
      ['on-finish', name],
      [timer({ whole: this.isWhole }), other],
      this.order,
    );
  }
  toString() {
    return `finish${this.isWhole ? ' whole' : ''} beside ${this.other} ${this.index} ${this.order.map(Number).join('')}`;
  }
}

/** The timer of on-finish asks only what would be removed. */
class PlanRemoval extends Step {
  async run(_: object, { service }: History) {
    const stored = () => [...service.cloud.buckets.values()].flatMap((objects) => [...objects.keys()]);
    const before = stored();
    await service.finish([], { dry_run: true });
    const after = new Set(stored());
    const missing = before.filter((key) => !after.has(key));
    if (missing.length > 0) throw new Error(`a dry run deleted ${missing}`);
  }
  toString() {
    return 'dry run of removals';
  }
}

/** Hours in which the timers do their work. */
class Hours extends Step {
  constructor(readonly hours: number) {
    super();
  }
  async run(_: object, history: History) {
    const { service } = history;
    for (let quarter = 0; quarter < this.hours * 4; quarter++) {
      await service.time.pass(15 * 60_000);
      noteSweep(history, await service.sweep());
      await service.finish();
    }
  }
  toString() {
    return `${this.hours} h`;
  }
}

/** Many at once, more than the pace allows. */
class UploadAll extends Step {
  constructor(readonly content: string) {
    super();
  }
  async run(model: object, history: History) {
    for (const key of KEYS) await new Upload(key, this.content, VIDEOS).run(model, history);
  }
  toString() {
    return `upload all keys "${this.content}"`;
  }
}

/** Something happens to a pending event. */
abstract class OnPending extends Step {
  constructor(readonly index: number) {
    super();
  }
  async run(_: object, history: History) {
    const event = history.pending[this.index % Math.max(1, history.pending.length)];
    if (event !== undefined) await this.onEvent(event, history);
  }
  abstract onEvent(event: PendingEvent, history: History): Promise<void>;
}

class Lose extends OnPending {
  async onEvent(event: PendingEvent, { pending }: History) {
    pending.splice(pending.indexOf(event), 1);
  }
  toString() {
    return `lose event ${this.index}`;
  }
}

class Duplicate extends OnPending {
  async onEvent(event: PendingEvent, { pending }: History) {
    pending.push({ ...event });
  }
  toString() {
    return `duplicate event ${this.index}`;
  }
}

/** Delivers one event or the next few in one batch; a failure brings them back, up to the last retry. */
class Deliver extends OnPending {
  constructor(
    index: number,
    readonly count: number,
    readonly fates: Fates,
  ) {
    super(index);
  }
  async onEvent(event: PendingEvent, history: History) {
    const { pending, service } = history;
    const batch = pending.splice(pending.indexOf(event), this.count);
    const outcome = await service.deliver(batch.map(recordOf), this.fates);
    if (outcome.kind === 'returned') return;
    pending.push(
      ...batch
        .map((one) => ({ ...one, attempts: one.attempts + 1 }))
        .filter(({ attempts }) => attempts <= MAX_RETRIES),
    );
  }
  toString() {
    return `deliver ${this.count} event(s) from ${this.index} ${fatesText(this.fates)}`;
  }
}

/** Two instances get the same event, which the platform should not let happen. */
class Overlap extends OnPending {
  constructor(
    index: number,
    readonly order: readonly boolean[],
  ) {
    super(index);
  }
  async onEvent(event: PendingEvent, history: History) {
    const records = { Records: [recordOf(event)] };
    history.overlapped.add(uploadName(event));
    await history.service.functions.invokeBoth('on-upload', [records, records], this.order);
  }
  toString() {
    return `overlap on event ${this.index} ${this.order.map(Number).join('')}`;
  }
}

class Sweep extends Step {
  constructor(
    readonly fates: Fates,
    readonly isDryRun: boolean,
  ) {
    super();
  }
  async run(_: object, history: History) {
    const { service } = history;
    const before = service.functions.createsSentAtMs.length;
    noteSweep(history, await service.sweep({ dry_run: this.isDryRun }, this.fates));
    // Calls that left before and arrive now are not its own.
    if (this.isDryRun && service.functions.createsSentAtMs.length > before)
      throw new Error('a dry run started something');
  }
  toString() {
    return `${this.isDryRun ? 'dry ' : ''}sweep ${fatesText(this.fates)}`;
  }
}

/** Nothing in these histories waits long enough to be cancelled. */
class CleanUp extends Step {
  constructor(readonly fates: Fates) {
    super();
  }
  async run(_: object, { service }: History) {
    await service.cleanUp({}, this.fates);
  }
  toString() {
    return `clean up ${fatesText(this.fates)}`;
  }
}

class Wait extends Step {
  constructor(readonly seconds: number) {
    super();
  }
  run(_: object, { service }: History) {
    return service.time.pass(this.seconds * 1000);
  }
  toString() {
    return `wait ${this.seconds} s`;
  }
}

class Throttle extends Step {
  constructor(readonly seconds: number) {
    super();
  }
  async run(_: object, { service }: History) {
    service.cloud.throttledUntilMs = service.time.nowMs + this.seconds * 1000;
  }
  toString() {
    return `MPC refuses for ${this.seconds} s`;
  }
}

/** A caller of the API; with the same key always the same body. */
class Create extends Step {
  constructor(
    readonly key: string,
    readonly fates: Fates,
    readonly order: readonly boolean[] | undefined,
  ) {
    super();
  }
  async run(_: object, history: History) {
    const { service, answers, overlapped } = history;
    const body = JSON.stringify({
      input: { bucket: VIDEOS, object: `api/${this.key}.mp4` },
      user_data: 'mine',
    });
    const event = postEvent(body, { headers: { 'idempotency-key': this.key } });
    if (this.order !== undefined) overlapped.add(this.key);
    const outcomes =
      this.order === undefined
        ? [await service.functions.invoke('create', event, this.fates)]
        : await service.functions.invokeBoth('create', [event, event], this.order);
    for (const outcome of outcomes) {
      const answer =
        outcome.kind === 'returned' ? (outcome.value as { statusCode: number; body: string }) : undefined;
      if (answer?.statusCode !== 202) continue;
      const told = answers.get(this.key) ?? new Set<string>();
      answers.set(this.key, told.add(JSON.parse(answer.body).task_id));
    }
  }
  toString() {
    return `create with key ${this.key} ${this.order === undefined ? fatesText(this.fates) : `twice at once ${this.order.map(Number).join('')}`}`;
  }
}

/** MPC ends a task in one of its ways, the n-th of those that have not ended, and tells it, or nobody hears of it. */
class End extends Step {
  constructor(
    readonly index: number,
    readonly status: 'SUCCEEDED' | 'FAILED' | 'CANCELED',
    readonly told: number,
    readonly fates: Fates,
  ) {
    super();
  }
  async run(_: object, { service }: History) {
    const open = service.cloud.tasks.filter(({ status }) => status === 'WAITING');
    const task = open[this.index % Math.max(1, open.length)];
    if (task === undefined) return;
    service.cloud.end(task.id, this.status);
    for (let time = 0; time < this.told; time++) await service.notify(String(task.id), this.fates);
  }
  toString() {
    return `end ${this.index} as ${this.status}, told ${this.told} times ${fatesText(this.fates)}`;
  }
}

/** The timer of on-finish. */
class Finish extends Step {
  constructor(
    readonly fates: Fates,
    readonly isWhole = false,
  ) {
    super();
  }
  async run(_: object, { service }: History) {
    await service.finish(this.fates, this.isWhole ? { whole: true } : {});
  }
  toString() {
    return `finish ${this.isWhole ? 'whole ' : ''}${fatesText(this.fates)}`;
  }
}

/** MPC tells the end of one of its tasks, if it has ended. */
class Tell extends Step {
  constructor(
    readonly index: number,
    readonly fates: Fates,
  ) {
    super();
  }
  async run(_: object, { service }: History) {
    service.cloud.runTasks();
    const { tasks } = service.cloud;
    // The newest first.
    const task = tasks[tasks.length - 1 - (this.index % Math.max(1, tasks.length))];
    if (task?.endedAtMs !== undefined) await service.notify(String(task.id), this.fates);
  }
  toString() {
    return `notification of the end of a task, the last but ${this.index} ${fatesText(this.fates)}`;
  }
}

/** The receiver of notices takes none for so many of them. */
class Deaf extends Step {
  constructor(readonly notices: number) {
    super();
  }
  async run(_: object, history: History) {
    history.deafFor = this.notices;
  }
  toString() {
    return `the receiver fails ${this.notices} times`;
  }
}

/** Somebody looks at a video. */
class Read extends Step {
  constructor(
    readonly key: string,
    readonly fates: Fates,
  ) {
    super();
  }
  async run(_: object, { service }: History) {
    await service.query({ object: this.key, bucket: VIDEOS }, undefined, this.fates);
  }
  toString() {
    return `read ${this.key} ${fatesText(this.fates)}`;
  }
}

/** What the functions wrote comes back to them as events, videos among it. */
class OwnOutput extends Step {
  async run(_: object, { service }: History) {
    const records = [...(service.cloud.buckets.get(VIDEOS)?.entries() ?? [])]
      .filter(([key]) => key.startsWith('snapshots/') || key.startsWith('.mpc-snapshots/'))
      .map(([key, { etag }]) => uploadRecord(VIDEOS, key, etag));
    if (records.length === 0) return;
    const outcome = await service.deliver(records);
    if (outcome.kind !== 'returned') throw new Error('own output made an invocation fail');
  }
  toString() {
    return 'events of own output';
  }
}

export function recordOf({ bucket, key, etag, removal }: PendingEvent): unknown {
  return removal === undefined ? uploadRecord(bucket, key, etag) : removalRecord(bucket, key, removal);
}

function fatesText(fates: Fates): string {
  if ('create' in fates) return `(create call ${fates.create})`;
  const odd = fates.flatMap((fate, index) => (fate === 'ok' ? [] : [`call ${index + 1} ${fate}`]));
  return odd.length === 0 ? '' : `(${odd.join(', ')})`;
}

const oddFate = fc.oneof(
  { arbitrary: fc.constantFrom(...FATES), weight: 2 },
  // Those that leave open whether there is a task.
  { arbitrary: fc.constantFrom<Fate>('late', 'slow', 'hang-after', 'reset-after', 'crash-after'), weight: 1 },
);
/** Most invocations meet with one accident at most, at any of their calls. */
const fates: fc.Arbitrary<Fates> = fc.oneof(
  { arbitrary: fc.constant<Fates>([]), weight: 2 },
  { arbitrary: fc.record({ create: oddFate }), weight: 2 },
  {
    arbitrary: fc.tuple(fc.nat(6), oddFate).map(([at, fate]) => [...Array<Fate>(at).fill('ok'), fate]),
    weight: 2,
  },
  { arbitrary: fc.array(fc.oneof(fc.constant<Fate>('ok'), oddFate), { maxLength: 10 }), weight: 1 },
);
const index = fc.nat(7);
const order = fc.array(fc.boolean(), { maxLength: 14 });
const key = fc.constantFrom(...KEYS);

/** Keys of videos that are removed, near each other on purpose; most of what happens happens to one of them. */
const REMOVED_KEYS = [
  ...Array<string>(8).fill('a.mp4'),
  'a.mov',
  'a.mp4/b.mp4',
  '../a.mp4',
  'a.b.mp4',
  'b c+ä%.MOV',
  'api/k1.mp4',
];

/** What happens to videos that are removed and come back, and to the functions meanwhile. */
function removals(upload: fc.Arbitrary<Change>): fc.Arbitrary<Step>[] {
  const video = fc.tuple(fc.constantFrom(...REMOVED_KEYS), fc.constantFrom(VIDEOS, VIDEOS, VIDEOS, ARCHIVE));
  const removal = fc.constantFrom(DELETED, MARKED);
  const changes = fc.oneof(
    { arbitrary: upload, weight: 3 },
    { arbitrary: fc.tuple(video, removal).map(([place, name]) => new Remove(...place, name)), weight: 3 },
    { arbitrary: video.map((place) => new Restore(...place)), weight: 1 },
    { arbitrary: video.map((place) => new RemoveVersion(...place)), weight: 1 },
  );
  // A removal makes more calls than other invocations.
  const accident = fc.tuple(fc.nat(60), oddFate).map(([at, fate]) => [...Array<Fate>(at).fill('ok'), fate]);
  const finish = fc
    .tuple(fc.oneof(fates, accident), fc.boolean())
    .map(([fates, isWhole]) => new Finish(fates, isWhole));
  const beside = fc
    .tuple(
      fc.constantFrom('event', 'event', 'sweep', 'query', 'clean up'),
      index,
      fc.array(fc.boolean(), { maxLength: 60, size: 'max' }),
      fc.boolean(),
    )
    .map((parts) => new FinishBeside(...parts));
  const deliver = fc.tuple(index, fc.constant(1), fates).map((parts) => new Deliver(...parts));
  const sweep = fates.map((fates) => new Sweep(fates, false));
  const working = fc.oneof(finish, finish, beside, deliver, sweep);
  const meanwhile = fc.tuple(working, fc.nat(40), changes).map((parts) => new Meanwhile(...parts));
  return [
    changes,
    changes,
    finish,
    finish,
    beside,
    beside,
    meanwhile,
    meanwhile,
    deliver,
    fc.constant(new PlanRemoval()),
    fc.constantFrom(1, 2).map((hours) => new Hours(hours)),
    // The functions hear of a task's end, of a removed video's too.
    fc.tuple(index, fates).map((parts) => new Tell(...parts)),
    fc.constant(new Read('a.mp4', [])),
    fc.integer({ min: 1, max: 3 }).map((notices) => new Deaf(notices)),
  ];
}

/**
 * Histories of uploads, events with their accidents, sweeps, calls of the API, and time between them.
 * @param mayOverlap whether two instances work at the same time now and then
 * @param mayEnd whether tasks end, are told, looked for and read
 * @param mayGo whether videos are removed and come back
 */
export function histories(mayOverlap: boolean, mayEnd = false, mayGo = false) {
  const upload = fc
    .record({
      key: mayGo ? fc.constantFrom(...REMOVED_KEYS) : key,
      content: mayGo ? fc.constantFrom('1', '1', '2', '2', UNREADABLE) : fc.constantFrom('1', '2'),
      bucket: fc.constantFrom(VIDEOS, VIDEOS, ARCHIVE),
    })
    .map(({ key, content, bucket }) => new Upload(key, content, bucket));
  const twice = fc.option(order, { freq: 6, nil: undefined });
  const single: fc.Arbitrary<Step>[] = [
    upload,
    fc.tuple(index, fc.integer({ min: 1, max: 8 }), fates).map((parts) => new Deliver(...parts)),
    fc.tuple(index, fc.constant(1), fates).map((parts) => new Deliver(...parts)),
    index.map((at) => new Lose(at)),
    index.map((at) => new Duplicate(at)),
    fc.tuple(fates, fc.boolean()).map((parts) => new Sweep(...parts)),
    fc.constantFrom(1, 15, 15, 70, 100, 240).map((seconds) => new Wait(seconds)),
    fc.constantFrom(2, 30, 300).map((seconds) => new Throttle(seconds)),
    fc
      .tuple(fc.constantFrom('k1', 'k2'), fates, mayOverlap ? twice : fc.constant(undefined))
      .map((parts) => new Create(...parts)),
    fates.map((fates) => new CleanUp(fates)),
    fc.constant(new OwnOutput()),
  ];
  if (mayGo) single.push(...removals(upload));
  else single.push(fc.constantFrom('1', '2').map((content) => new UploadAll(content)));
  if (mayOverlap) single.push(fc.tuple(index, order).map((parts) => new Overlap(...parts)));
  if (mayEnd) {
    const ends = fc.constantFrom('SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'CANCELED');
    // Before a task is ended it must be there, so that these come often.
    const end = fc.tuple(index, ends, fc.nat(2), fates).map((parts) => new End(...parts));
    single.push(
      end,
      end,
      fates.map((fates) => new Finish(fates)),
      fc.integer({ min: 1, max: 3 }).map((notices) => new Deaf(notices)),
      fc.tuple(key, fates).map((parts) => new Read(...parts)),
    );
  }
  return fc.commands(single, { maxCommands: 30, size: 'max' });
}
