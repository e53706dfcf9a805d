import type { Faults } from '../../../local/faults/faults';
import { FAULTS, type FaultShares, SEED_RANGE } from '../../../local/faults/parse-faults';
import { type FunctionGraph, FunctionGraphError } from '../../../local/functiongraph/functiongraph';
import type { AccessKey } from '../../../local/iam/credentials';
import type { Task, TaskBook } from '../../../local/mpc/task-book';
import type { EventTrace, ObjectEventDelivery } from '../../../local/object-event-delivery';
import type { ObjectStore, StoredObject } from '../../../local/obs/object-store';
import { encodeKey, temporaryUrl } from '../../../local/obs/signature';
import type { Listener } from '../../../local/ports';
import { explain } from '../../explain';
import { ChangeFeed } from '../../server/change-feed';
import {
  type DeliverRequest,
  type FaultDial,
  type FaultHit,
  type FaultsRequest,
  LIMITS,
  type Quota,
  type Results,
  type SendNoticeAnswer,
  type Service,
  type Upload,
} from '../../server/console-api';
import { Recent } from '../../server/recent';
import { commands } from '../commands';
import { ConsoleRefusal, type ConsoleSource, type LocalTools, uploadKey } from '../console-source';
import { MpcCallCounter } from '../mpc-calls';
import { embedAddressesOf, isPublishedName, PUBLISHED_NAMES, publishedFiles } from '../published-files';
import {
  LATER,
  NOTICES,
  noticeDueNow,
  readRefused,
  refusedRecords,
  WAITING,
  waitingUploads,
} from '../records';
import { CaptureReports } from './capture-reports';
import { settingsView, timersView } from './function-view';
import { InvocationLog } from './invocation-log';
import { callOf } from './mpc-request';
import { NoticeLog, textOf } from './notice-log';
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
  mpcCallsPerMinute: number;
}

const URL_LIFETIME_SECONDS = 12 * 3600;
const UPLOAD_PREFIX = 'uploads/';
/** The function that captures uploads; its timer finds those whose event was lost. */
const UPLOAD_FUNCTION = 'on-upload';
/** The function that sends notices, and its timer. */
const FINISH_FUNCTION = { name: 'on-finish', timer: 'finish' };

/** The local cloud as the console sees it: everything is seen from outside, as it happens. */
export class LocalSource implements ConsoleSource {
  readonly #options: LocalSourceOptions;
  readonly #feed = new ChangeFeed();
  readonly #invocations = new InvocationLog();
  readonly #events = new ObjectEventLog((requestId) => this.#invocations.summary(requestId));
  readonly #reports = new CaptureReports();
  readonly #notices = new NoticeLog();
  readonly #mpcCalls = new MpcCallCounter();
  readonly #hits = new Recent<FaultHit>(LIMITS.faultsHit);
  /** MPC does not write down when a task left the queue. */
  readonly #startedAtMs = new WeakMap<Task, number>();
  readonly #watchingSinceMs = Date.now();
  readonly #stops: (() => void)[];
  #hitCount = 0;
  #addresses: Pick<Record<Listener, string>, 'gateway' | 'obs'> = { gateway: '', obs: '' };
  #environment: Record<string, string> = {};
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
      requests.onRequest((entry) => {
        this.#feed.entry('requests', entry.id, () => entry);
        if (entry.service !== 'MPC') return;
        const calls = this.#mpcCalls.add(callOf(entry));
        this.#feed.entry('mpcCalls', calls.id, () => calls);
      }),
    ];
    for (const { key, filePath } of this.#objectsBelow(NOTICES)) this.#notices.recordWritten(key, filePath);
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

  /** Where the services listen, once that is known, and what their clients need. */
  setAddresses(addresses: Record<Listener, string>, environment: Readonly<Record<string, string>>): void {
    this.#addresses = addresses;
    this.#environment = { ...environment };
  }

  /** Functions or their triggers were created, changed or removed. */
  functionsChanged(): void {
    const { functiongraph } = this.#options;
    this.#feed.replace('settings', () => functiongraph.functions().map(settingsView));
    this.#feed.replace('timers', () => timersView(functiongraph));
    this.#tellQuota();
  }

  async state() {
    const { store, tasks, functiongraph, requests, uploadBucket } = this.#options;
    // An account that is not set up yet has no bucket.
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
      notices: this.#notices.list(),
      mpcCalls: this.#mpcCalls.list(),
      quota: this.#quota(),
      settings: functiongraph.functions().map(settingsView),
    };
  }

  onChange(listener: Parameters<ConsoleSource['onChange']>[0]): () => void {
    return this.#feed.listen(listener);
  }

  obsOrigins(): readonly string[] {
    return [this.#addresses.obs];
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

  async results(id: string): Promise<Results> {
    const { snapshotBucket, uploadBucket } = this.#options;
    const { input, output } = this.#task(id);
    const { obs, gateway } = this.#addresses;
    const publicUrl = this.#setting('PUBLIC_URL')?.replace(/\/+$/, '');
    const files =
      output.bucket !== snapshotBucket
        ? []
        : publishedFiles({
            bucketAddress: `${obs}/${snapshotBucket}`,
            publicUrl,
            path: output.object,
            task: id,
            objects: this.#objectsBelow(`${output.object}/`),
          });
    const api = `${gateway}/snapshots/${id}?format=`;
    const video =
      input.bucket === uploadBucket
        ? this.#signedUrl('GET', uploadBucket, input.object)
        : `${obs}/${input.bucket}/${encodeKey(input.object)}`;
    const embed =
      publicUrl === undefined
        ? {
            poster: `${api}poster`,
            track: `${api}vtt`,
            note: 'Track and poster come from the API, and the video’s address is temporary. Start the local cloud with --origin and the address of your page, or set PUBLIC_URL for addresses that last.',
          }
        : {
            ...embedAddressesOf(files),
            note: 'Track and poster come from PUBLIC_URL. The video’s address is temporary: put your own in its place.',
          };
    return { task: id, files, embed: { video, ...embed } };
  }

  async fileUrl(id: string, name: string) {
    const { output } = this.#task(id);
    const key = `${output.object}/${name}`;
    if (!isPublishedName(name) || this.#options.store.head(output.bucket, key) === undefined) {
      throw new ConsoleRefusal(404, `task ${id} has no published file ${name}`);
    }
    return this.#shownUrl(output.bucket, key);
  }

  async sendNotice(id: string): Promise<SendNoticeAnswer> {
    const { store, functiongraph, snapshotBucket } = this.#options;
    const notice = this.#notices.find(id);
    if (notice === undefined) {
      throw new ConsoleRefusal(404, `notice ${id} is not among the last ${LIMITS.notices}`);
    }
    const { recordKey, body } = noticeDueNow(notice);
    const isPending = this.#notices.isPending(id);
    await store.put(snapshotBucket, recordKey, Buffer.from(body), { contentType: 'application/json' });
    if (isPending && notice.recordKey !== recordKey) await store.delete(snapshotBucket, notice.recordKey);
    try {
      return { requestId: functiongraph.fireTimer(FINISH_FUNCTION.name, FINISH_FUNCTION.timer) };
    } catch (error) {
      throw error instanceof FunctionGraphError ? new ConsoleRefusal(404, error.message) : error;
    }
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
      environment: this.#environment,
      commands: commands(),
      unavailable: {},
    };
  }

  #objectChanged({ eventName, bucket, key }: EventTrace['event']): void {
    const { uploadBucket, snapshotBucket } = this.#options;
    if (bucket === snapshotBucket) this.#snapshotObjectChanged(key);
    if (bucket !== uploadBucket) return;
    if (eventName === 'ObjectRemoved:Delete') this.#feed.uploadRemoved(key);
    else this.#tellUpload(key);
  }

  #snapshotObjectChanged(key: string): void {
    const { store, tasks, snapshotBucket } = this.#options;
    if (key.startsWith(NOTICES)) {
      const object = store.head(snapshotBucket, key);
      const id =
        object === undefined
          ? this.#notices.recordDeleted(key)
          : this.#notices.recordWritten(key, object.filePath);
      this.#tellNotice(id);
    } else if (key.startsWith(WAITING) || key.startsWith(LATER)) {
      this.#tellQuota();
    } else {
      const [, directory, name = ''] = /^(.*)\/([^/]+)$/s.exec(key) ?? [];
      if (!isPublishedName(name) || !this.#feed.hasListeners) return;
      const task = tasks.list().findLast(({ output }) => output.object === directory);
      if (task !== undefined) this.#feed.entry('tasks', task.id, () => this.#taskView(task));
    }
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
    for (const id of this.#notices.record(invocation)) this.#tellNotice(id);
    if (trigger === 'TIMER') this.#feed.replace('timers', () => timersView(this.#options.functiongraph));
  }

  #tellUpload(key: string): void {
    const object = this.#options.store.head(this.#options.uploadBucket, key);
    if (object !== undefined) this.#feed.entry('uploads', key, () => this.#uploadView(object));
  }

  #tellNotice(id: string | undefined): void {
    const view = id === undefined ? undefined : this.#notices.view(id);
    if (view !== undefined) this.#feed.entry('notices', view.id, () => view);
  }

  #tellQuota(): void {
    this.#feed.replace('quota', () => this.#quota());
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

  #quota(): Quota {
    const [createsPerMinute, readsPerMinute] = ['MPC_REQUESTS_PER_MINUTE', 'MPC_READS_PER_MINUTE'].map(
      (name) => Number(this.#setting(name) ?? Number.NaN),
    ) as [number, number];
    const later = this.#objectsBelow(LATER);
    const refused = refusedRecords(later);
    return {
      callsPerMinute: this.#options.mpcCallsPerMinute,
      ...(createsPerMinute > 0 && { createsPerMinute }),
      ...(readsPerMinute > 0 && { readsPerMinute }),
      waiting: waitingUploads(this.#objectsBelow(WAITING)),
      later: waitingUploads(later),
      refused: refused.next.flatMap(({ key, filePath }) => readRefused(key, textOf(filePath)) ?? []),
      refusedCount: refused.count,
    };
  }

  /** A key of the functions' user data. */
  #setting(name: string): string | undefined {
    return this.#options.functiongraph
      .functions()
      .map((one) => settingsView(one).userData[name])
      .find((value) => value);
  }

  #objectsBelow(prefix: string): StoredObject[] {
    const { store, snapshotBucket } = this.#options;
    // An account that is not set up yet has no bucket.
    return store.hasBucket(snapshotBucket)
      ? store.list(snapshotBucket, { prefix, maxKeys: Number.POSITIVE_INFINITY }).objects
      : [];
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
    const { bucket, object } = task.output;
    const isThere = (name: string) => this.#options.store.head(bucket, `${object}/${name}`) !== undefined;
    return {
      ...taskView(task, this.#startedAtMs.get(task)),
      publishedFiles: PUBLISHED_NAMES.filter(isThere).length,
    };
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
      endpoint: this.#addresses.obs,
      bucket,
      key,
      method,
      accessKey: this.#options.accessKey,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + URL_LIFETIME_SECONDS,
    });
  }
}
