import { postEvent } from '../functions/installation';
import { AS_THE_LOCAL_CLOUD, CloudDouble, type CloudDoubleOptions, type CloudRequest } from './cloud-double';
import { type Fates, FunctionsDouble, type Outcome } from './functions-double';
import { VirtualTime } from './virtual-time';

export const VIDEOS = 'videos';
export const ARCHIVE = 'archive';
export const SNAPSHOTS = 'snapshots';

const SWEEP_EVERY_MS = 5 * 60_000;

export interface InstallationOptions extends Partial<Omit<CloudDoubleOptions, 'now'>> {
  userData?: Readonly<Record<string, string>>;
  /** How long a call takes that goes well, ms; 0 when left out. */
  answerMs?: (request: CloudRequest) => number;
}

/** The functions of one installation with two upload buckets, in a cloud and a time of its own. */
export class InstallationDouble {
  readonly time = new VirtualTime(Date.UTC(2026, 10, 23, 8));
  readonly cloud: CloudDouble;
  readonly functions: FunctionsDouble;
  /** What is changed here holds from the next invocation on. */
  readonly userData: Record<string, string>;

  constructor({ userData, answerMs, ...options }: InstallationOptions = {}) {
    this.cloud = new CloudDouble([VIDEOS, ARCHIVE, SNAPSHOTS], {
      ...AS_THE_LOCAL_CLOUD,
      now: () => this.time.nowMs,
      ...options,
    });
    this.userData = {
      REGION: 'ap-southeast-3',
      UPLOAD_BUCKETS: `${VIDEOS},${ARCHIVE}`,
      SNAPSHOT_BUCKET: SNAPSHOTS,
      MPC_REQUESTS_PER_MINUTE: '80',
      MPC_READS_PER_MINUTE: '10000',
      // No host is looked up: calls end in memory.
      MPC_ENDPOINT: 'http://mpc',
      OBS_ENDPOINT: 'http://127.0.0.1',
      ...userData,
    };
    this.functions = new FunctionsDouble(this.cloud, this.time, this.userData, answerMs);
  }

  /** The functions of another stage, with the same buckets, in the same cloud. */
  stageBeside(userData: Readonly<Record<string, string>>): FunctionsDouble {
    return new FunctionsDouble(this.cloud, this.time, { ...this.userData, ...userData });
  }

  /** The end of it: what was loaded serves the next one. */
  close(): void {
    this.functions.close();
  }

  /** @returns the record of the event */
  upload(key: string, content = key, bucket = VIDEOS): unknown {
    const { etag } = this.cloud.put(bucket, key, content);
    return uploadRecord(bucket, key, etag);
  }

  /** Deletes a video, or what is at this place. @returns the record of the event */
  remove(key: string, bucket = VIDEOS): unknown {
    this.cloud.remove(bucket, key);
    return removalRecord(bucket, key);
  }

  deliver(records: readonly unknown[], fates: Fates = []): Promise<Outcome> {
    return this.functions.invoke('on-upload', { Records: records }, fates);
  }

  sweep(options: object = {}, fates: Fates = []): Promise<Outcome> {
    return this.functions.invoke('on-upload', timer(options), fates);
  }

  /** The timer of on-finish. */
  finish(fates: Fates = [], options: object = {}): Promise<Outcome> {
    return this.functions.invoke('on-finish', timer(options), fates);
  }

  /** MPC's notification about a task, as SMN hands it over. */
  notify(taskId: string, fates: Fates = []): Promise<Outcome> {
    const message = JSON.stringify({ event_type: 'ThumbnailComplete', thumbnail_info: { task_id: taskId } });
    const event = { record: [{ event_version: '1.0', smn: { message, type: 'notification' } }] };
    return this.functions.invoke('on-finish', event, fates);
  }

  /** `GET /snapshots` or, with an id, of one task. */
  query(parameters: Record<string, string>, taskId?: string, fates: Fates = []): Promise<Outcome> {
    const event = {
      httpMethod: 'GET',
      path: taskId === undefined ? '/snapshots' : `/snapshots/${taskId}`,
      queryStringParameters: parameters,
    };
    return this.functions.invoke('query', event, fates);
  }

  cleanUp(options: object = {}, fates: Fates = []): Promise<Outcome> {
    return this.functions.invoke('cancel', timer(options), fates);
  }

  /** `POST /snapshots`. */
  create(body: unknown, headers: Record<string, string> = {}, fates: Fates = []): Promise<Outcome> {
    return this.functions.invoke('create', postEvent(JSON.stringify(body), { headers }), fates);
  }

  tasksOf(key: string, bucket = VIDEOS) {
    return this.cloud.tasks.filter(({ body }) => body.input.object === key && body.input.bucket === bucket);
  }
}

export function uploadRecord(bucket: string, key: string, etag: string): unknown {
  return {
    eventName: 'ObjectCreated:Put',
    s3: {
      bucket: { name: bucket },
      object: { key: encodeURIComponent(key), eTag: etag, size: 9 },
    },
  };
}

export function removalRecord(bucket: string, key: string, eventName = 'ObjectRemoved:Delete'): unknown {
  return { eventName, s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key) } } };
}

export function timer(options: object): unknown {
  return { trigger_type: 'TIMER', trigger_name: 'timer', user_event: JSON.stringify(options) };
}

/** What an invocation returned. */
export const returned = (outcome: Outcome) => {
  if (outcome.kind !== 'returned') throw new Error(JSON.stringify(outcome));
  return outcome.value as Record<string, unknown>;
};

/** Sweeps as the timer does, until one of them finds nothing left to do. @returns their reports */
export async function sweepUntilSettled(service: InstallationDouble): Promise<Record<string, unknown>[]> {
  const reports = [];
  for (let round = 0; round < 30; round++) {
    await service.time.pass(SWEEP_EVERY_MS);
    const report = returned(await service.sweep());
    reports.push(report);
    if (report.complete === true && report.started === 0 && report.failed === 0) return reports;
  }
  throw new Error(`not settled: ${JSON.stringify(reports.at(-1))}`);
}
