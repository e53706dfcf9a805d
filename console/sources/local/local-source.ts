import type { Faults } from '../../../local/faults/faults';
import { FAULTS, type FaultShares, SEED_RANGE } from '../../../local/faults/parse-faults';
import { type FunctionGraph, FunctionGraphError } from '../../../local/functiongraph/functiongraph';
import type { AccessKey } from '../../../local/iam/credentials';
import type { Task, TaskBook } from '../../../local/mpc/task-book';
import type { EventTrace, ObjectEventDelivery } from '../../../local/object-event-delivery';
import type { ObjectStore, StoredObject } from '../../../local/obs/object-store';
import { temporaryUrl } from '../../../local/obs/signature';
import { explain } from '../../explain';
import { ChangeFeed } from '../../server/change-feed';
import {
  type DeliverRequest,
  type FaultDial,
  type FaultHit,
  type FaultsRequest,
  LIMITS,
  type Service,
  type Upload,
} from '../../server/console-api';
import { Recent } from '../../server/recent';
import { ConsoleRefusal, type ConsoleSource, type LocalTools, uploadKey } from '../console-source';
import { CaptureReports } from './capture-reports';
import { settingsView, timersView } from './function-view';
import { InvocationLog } from './invocation-log';
import { ObjectEventLog } from './object-event-log';
import { type RequestLog, SHOWN_BY_CONSOLE } from './request-log';
import { framesOf, taskView } from './task-view';

export interface LocalSourceOptions {
  store: ObjectStore;
  tasks: TaskBook;
  functiongraph: FunctionGraph;
  deliveries: ObjectEventDelivery;
  faults: Faults;
  requests: RequestLog;
  accessKey: AccessKey;
  region: string;
  uploadBucket: string;
  snapshotBucket: string;
}

const URL_LIFETIME_SECONDS = 12 * 3600;
const UPLOAD_PREFIX = 'uploads/';
/** The function that captures uploads; its timer finds those whose event was lost. */
const UPLOAD_FUNCTION = 'on-upload';

/** The local cloud as the console sees it: everything is seen from outside, as it happens. */
export class LocalSource implements ConsoleSource {
  readonly #options: LocalSourceOptions;
  readonly #feed = new ChangeFeed();
  readonly #invocations = new InvocationLog();
  readonly #events = new ObjectEventLog((requestId) => this.#invocations.summary(requestId));
  readonly #reports = new CaptureReports();
  readonly #hits = new Recent<FaultHit>(LIMITS.faultsHit);
  /** MPC does not write down when a task left the queue. */
  readonly #startedAtMs = new WeakMap<Task, number>();
  readonly #watchingSinceMs = Date.now();
  readonly #stops: (() => void)[];
  #hitCount = 0;
  #obsAddress = '';
  readonly local: LocalTools;

  constructor(options: LocalSourceOptions) {
    this.#options = options;
    const { store, tasks, functiongraph, deliveries, faults, requests } = options;
    this.#stops = [
      store.onObjectEvent((event) => this.#objectChanged(event)),
      tasks.onChange((task) => this.#taskChanged(task)),
      functiongraph.onInvocation((invocation) => this.#invocationChanged(invocation)),
      deliveries.onTrace((trace) => {
        this.#events.record(trace);
        this.#tellEvent(trace.id);
      }),
      faults.onFault(({ name, what }) => {
        this.#hitCount += 1;
        this.#hits.set(String(this.#hitCount), { name, what, timeMs: Date.now() });
        this.#tellFaults();
      }),
      requests.onRequest((entry) => this.#feed.entry('requests', entry.id, () => entry)),
    ];
    this.local = {
      invocation: (requestId) => {
        const detail = this.#invocations.detail(requestId);
        if (detail !== undefined) return detail;
        throw new ConsoleRefusal(404, `invocation ${requestId} is not among the last ${LIMITS.invocations}`);
      },
      deliver: (request) => this.#deliver(request),
      fire: ({ functionName, timer }) => {
        try {
          return { requestId: functiongraph.fireTimer(functionName, timer) };
        } catch (error) {
          throw error instanceof FunctionGraphError ? new ConsoleRefusal(404, error.message) : error;
        }
      },
      setFaults: (request) => this.#setFaults(request),
    };
  }

  /** Where OBS listens, once that is known. */
  setObsAddress(address: string): void {
    this.#obsAddress = address;
  }

  /** Functions or their triggers were created, changed or removed. */
  functionsChanged(): void {
    const { functiongraph } = this.#options;
    this.#feed.replace('settings', () => functiongraph.functions().map(settingsView));
    this.#feed.replace('timers', () => timersView(functiongraph));
  }

  async state() {
    const { store, tasks, functiongraph, requests, uploadBucket } = this.#options;
    // An account that nobody has set up yet has no bucket.
    const objects = store.hasBucket(uploadBucket)
      ? store.list(uploadBucket, { maxKeys: Number.POSITIVE_INFINITY }).objects
      : [];
    return {
      service: this.#service(),
      uploads: objects
        .sort((a, b) => b.lastModifiedMs - a.lastModifiedMs)
        .slice(0, LIMITS.uploads)
        .map((object) => this.#uploadView(object)),
      tasks: tasks
        .list()
        .slice(-LIMITS.tasks)
        .map((task) => this.#taskView(task))
        .reverse(),
      events: this.#events.list(),
      invocations: this.#invocations.list(),
      timers: timersView(functiongraph),
      faults: this.#faultDial(),
      requests: requests.list(),
      settings: functiongraph.functions().map(settingsView),
    };
  }

  onChange(listener: Parameters<ConsoleSource['onChange']>[0]): () => void {
    return this.#feed.listen(listener);
  }

  obsOrigins(): readonly string[] {
    return [this.#obsAddress];
  }

  async frames(id: string) {
    const urlOf = (name: string) => `picture?task=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}`;
    return { task: id, frames: framesOf(this.#task(id), urlOf) };
  }

  async pictureUrl(id: string, name: string) {
    const { output, pictures } = this.#task(id);
    if (!pictures.includes(name)) throw new ConsoleRefusal(404, `task ${id} has no picture ${name}`);
    return this.#shownUrl(output.bucket, [output.object, name].filter(Boolean).join('/'));
  }

  async videoUrl(key: string) {
    return this.#shownUrl(this.#options.uploadBucket, key);
  }

  async uploadUrl(name: string) {
    const { uploadBucket } = this.#options;
    const key = uploadKey(UPLOAD_PREFIX, name);
    return { key, url: this.#signedUrl('PUT', uploadBucket, key) };
  }

  async explain(key: string) {
    const { store, tasks, functiongraph, uploadBucket: bucket } = this.#options;
    return explain({
      bucket,
      key,
      object: store.head(bucket, key),
      isWatched: this.#isWatched(bucket, key),
      watchingSinceMs: this.#watchingSinceMs,
      events: this.#events.list().filter((event) => event.bucket === bucket && event.key === key),
      report: this.#reports.of(bucket, key),
      tasks: tasks
        .list()
        .filter(({ input }) => input.bucket === bucket && input.object === key)
        .map((task) => this.#taskView(task))
        .reverse(),
      sweep: timersView(functiongraph).find(({ functionName }) => functionName === UPLOAD_FUNCTION),
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#feed.close();
  }

  #service(): Service {
    const { region, uploadBucket, snapshotBucket } = this.#options;
    return {
      kind: 'local',
      name: 'local cloud',
      canWrite: true,
      region,
      uploadBucket,
      snapshotBucket,
      uploadPrefix: UPLOAD_PREFIX,
      unavailable: {},
    };
  }

  #objectChanged({ eventName, bucket, key }: EventTrace['event']): void {
    if (bucket !== this.#options.uploadBucket) return;
    if (eventName === 'ObjectRemoved:Delete') this.#feed.uploadRemoved(key);
    else this.#tellUpload(key);
  }

  #taskChanged(task: Task): void {
    if (task.status === 'PROCESSING' && !this.#startedAtMs.has(task)) this.#startedAtMs.set(task, Date.now());
    this.#feed.entry('tasks', task.id, () => this.#taskView(task));
  }

  #invocationChanged(invocation: Parameters<InvocationLog['record']>[0]): void {
    const { requestId, trigger } = invocation;
    this.#invocations.record(invocation);
    const view = this.#invocations.summary(requestId);
    if (view !== undefined) this.#feed.entry('invocations', requestId, () => view);
    const event = this.#events.follow(requestId);
    if (event !== undefined) this.#tellEvent(event);
    for (const { bucket, key } of this.#reports.record(invocation)) {
      if (bucket === this.#options.uploadBucket) this.#tellUpload(key);
    }
    if (trigger === 'TIMER') this.#feed.replace('timers', () => timersView(this.#options.functiongraph));
  }

  #tellUpload(key: string): void {
    const object = this.#options.store.head(this.#options.uploadBucket, key);
    if (object !== undefined) this.#feed.entry('uploads', key, () => this.#uploadView(object));
  }

  #tellEvent(id: string): void {
    const view = this.#events.view(id);
    if (view !== undefined) this.#feed.entry('events', id, () => view);
  }

  #tellFaults(): void {
    this.#feed.replace('faults', () => this.#faultDial());
  }

  #deliver({ times, ...what }: DeliverRequest) {
    const { deliveries, uploadBucket } = this.#options;
    const trace =
      'event' in what ? this.#events.trace(what.event) : deliveries.eventOf(uploadBucket, what.key);
    if (trace === undefined) {
      throw new ConsoleRefusal(
        404,
        'event' in what
          ? `event ${what.event} is not among the last ${LIMITS.events}`
          : `there is no object ${what.key} in the bucket ${uploadBucket}`,
      );
    }
    const requestIds = Array.from({ length: times }).flatMap(() => deliveries.again(trace));
    return { requestIds };
  }

  #setFaults({ shares, seed }: FaultsRequest): FaultDial {
    const unknown = Object.keys(shares).find((name) => !Object.hasOwn(FAULTS, name));
    if (unknown !== undefined) throw new ConsoleRefusal(400, `there is no fault "${unknown}"`);
    if (seed !== undefined && seed >= SEED_RANGE) {
      throw new ConsoleRefusal(400, `seed must be a whole number from 0 to ${SEED_RANGE - 1}, got ${seed}`);
    }
    const { faults } = this.#options;
    faults.turn({ shares: shares as FaultShares, seed: seed ?? faults.dial.seed });
    this.#tellFaults();
    return this.#faultDial();
  }

  #faultDial(): FaultDial {
    const { shares, seed } = this.#options.faults.dial;
    const shareOf: Partial<Record<string, number>> = shares;
    return {
      faults: Object.entries(FAULTS).map(([name, effect]) => ({ name, effect, share: shareOf[name] ?? 0 })),
      seed,
      hits: this.#hits.list(),
    };
  }

  #isWatched(bucket: string, key: string): boolean {
    const { deliveries } = this.#options;
    const trace = deliveries.eventOf(bucket, key);
    return trace === undefined || deliveries.isWanted(trace.event);
  }

  #uploadView({ key, sizeBytes, lastModifiedMs }: StoredObject): Upload {
    const report = this.#reports.of(this.#options.uploadBucket, key);
    return { key, sizeBytes, lastModifiedMs, ...(report !== undefined && { report }) };
  }

  #taskView(task: Task) {
    return taskView(task, this.#startedAtMs.get(task));
  }

  #task(id: string): Task {
    const task = this.#options.tasks.get(id);
    if (task === undefined) throw new ConsoleRefusal(404, `there is no task ${id}`);
    return task;
  }

  #shownUrl(bucket: string, key: string): string {
    return `${this.#signedUrl('GET', bucket, key)}&${SHOWN_BY_CONSOLE}`;
  }

  #signedUrl(method: 'GET' | 'PUT', bucket: string, key: string): string {
    return temporaryUrl({
      endpoint: this.#obsAddress,
      bucket,
      key,
      method,
      accessKey: this.#options.accessKey,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + URL_LIFETIME_SECONDS,
    });
  }
}
