import { ApiError, type Task as ApiTask, NoAnswerError, type SnapshotClient } from '../../../client/src';
import { parseUtc } from '../../../local/mpc/presentation';
import { encodeKey } from '../../../local/obs/signature';
import { explain } from '../../explain';
import { ChangeFeed } from '../../server/change-feed';
import type {
  ConsoleState,
  Explanation,
  FrameList,
  Panel,
  Quota,
  Results,
  SendNoticeAnswer,
  Service,
  Task,
  Upload,
  UploadUrl,
} from '../../server/console-api';
import { commands } from '../commands';
import { ConsoleRefusal, type ConsoleSource, uploadKey } from '../console-source';
import { embedAddressesOf, isPublishedName, publishedFiles } from '../published-files';
import type { Bucket } from './bucket';
import type { DeployedService } from './deployed-service';
import type { LoggedCalls } from './logged-calls';
import { RecordListing } from './record-listing';
import type { UploadListing } from './upload-listing';

export interface DeployedSourceOptions {
  service: DeployedService;
  api: SnapshotClient;
  uploads: UploadListing;
  /** The snapshot bucket. */
  snapshots: Bucket;
  canWrite: boolean;
  /** That starts this console again. */
  command: string;
  /** Absent without a stage. */
  calls?: LoggedCalls;
  /** How often the tasks are read while the page is open. */
  pollEveryMs?: number;
}

/** A list call each time, of the 100 that MPC allows in a minute. */
const POLL_EVERY_MS = 10_000;
/** The most that one call of MPC lists. */
const TASKS_SHOWN = 100;
/** Of 1,000 objects each, in the directory of a task. */
const MAX_PICTURE_PAGES = 3;

const LOCAL_ONLY: Partial<Record<Panel, string>> = {
  events: 'Only the local cloud shows events of OBS.',
  invocations: 'FunctionGraph’s console and LTS show invocations and their logs.',
  timers: 'FunctionGraph’s console shows timers and fires them.',
  faults: 'Only the local cloud injects faults.',
  requests: 'Only the local cloud shows requests.',
  settings: 'FunctionGraph’s console shows the settings of deployed functions.',
};

/** The deployed service as the console sees it: through its own API and OBS, with the caller's rights. */
export class DeployedSource implements ConsoleSource {
  readonly #options: DeployedSourceOptions;
  readonly #feed = new ChangeFeed();
  readonly #records: RecordListing;
  /** As last seen, by id. */
  #tasks = new Map<string, ApiTask>();
  #listeners = 0;
  /** Why the calls of MPC are not known. */
  #noCalls: string | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(options: DeployedSourceOptions) {
    this.#options = options;
    this.#records = new RecordListing(options.snapshots);
    this.#noCalls =
      options.calls === undefined
        ? 'Start the console with --stage NAME: it then reads the functions’ logs in LTS.'
        : 'The functions’ logs are being read.';
  }

  async state(): Promise<ConsoleState> {
    const [tasks, uploads, quota, notices] = await Promise.all([
      this.#readTasks(),
      this.#readUploads(),
      this.#quota(),
      this.#records.notices(),
    ]);
    const noUploads = typeof uploads === 'string';
    return {
      service: this.#service(noUploads ? { uploads } : {}),
      uploads: noUploads ? [] : uploads,
      tasks: tasks.map(taskView),
      events: [],
      invocations: [],
      timers: [],
      faults: { faults: [], seed: 0, hits: [] },
      requests: [],
      notices,
      mpcCalls: this.#options.calls?.list() ?? [],
      quota,
      settings: [],
    };
  }

  onChange(listener: Parameters<ConsoleSource['onChange']>[0]): () => void {
    const stop = this.#feed.listen(listener);
    this.#listeners += 1;
    // The first read of a busy stage's logs takes seconds: the page does not wait for it.
    void this.#tellCalls();
    this.#poll ??= this.#pollLater();
    return () => {
      stop();
      this.#listeners -= 1;
    };
  }

  obsOrigins(): readonly string[] {
    const { uploadBucket, snapshotBucket, obsEndpoint } = this.#options.service;
    const { protocol, host } = new URL(obsEndpoint);
    return [
      `${protocol}//${host}`,
      ...[uploadBucket, snapshotBucket].map((name) => `${protocol}//${name}.${host}`),
    ];
  }

  async frames(id: string): Promise<FrameList> {
    const { thumbnail_info = [], output_file_name } = await this.#task(id);
    const pictures = isArchive(output_file_name) ? [] : thumbnail_info;
    const frames = pictures.map(({ pic_name: name, time: timeSeconds }) => ({
      name,
      timeSeconds,
      url: `picture?task=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}`,
    }));
    return { task: id, frames };
  }

  async pictureUrl(id: string, name: string): Promise<string> {
    const { thumbnail_info = [] } = await this.#task(id);
    const url = thumbnail_info.find(({ pic_name }) => pic_name === name)?.url;
    if (url === undefined)
      throw new ConsoleRefusal(404, `task ${id} has no picture ${name} that may be read`);
    return url;
  }

  async results(id: string): Promise<Results> {
    const { service, snapshots, uploads } = this.#options;
    const { input, output } = await this.#task(id);
    const directory = output?.object ?? '';
    const files =
      output?.bucket !== service.snapshotBucket || directory === ''
        ? []
        : publishedFiles({
            bucketAddress: snapshots.address,
            publicUrl: service.publicUrl,
            path: directory,
            task: id,
            objects: await snapshots.list(`${directory}/`, { maxPages: MAX_PICTURE_PAGES }),
          });
    const note =
      service.publicUrl === undefined
        ? 'These are addresses in OBS, which open only with the right to read the buckets. For addresses of your CDN, set PUBLIC_URL for the functions and for this command.'
        : 'Track and poster come from PUBLIC_URL. The video’s address opens only with the right to read its bucket: replace it with your own.';
    const video = `${uploads.bucket.address}/${encodeKey(input?.object ?? '')}`;
    return { task: id, files, embed: { video, ...embedAddressesOf(files), note } };
  }

  async fileUrl(id: string, name: string): Promise<string> {
    const { output } = await this.#task(id);
    const isThere = output?.bucket === this.#options.service.snapshotBucket && isPublishedName(name);
    if (!isThere) throw new ConsoleRefusal(404, `task ${id} has no published file ${name}`);
    return this.#options.snapshots.url('GET', `${output.object}/${name}`);
  }

  async sendNotice(id: string): Promise<SendNoticeAnswer> {
    if (!this.#options.canWrite) {
      throw new ConsoleRefusal(403, 'the console is read-only: start it with --write to send a notice again');
    }
    await this.#records.sendNow(id);
    await this.#tellNotices();
    return {};
  }

  async videoUrl(key: string): Promise<string> {
    return this.#options.uploads.url('GET', key);
  }

  async uploadUrl(name: string): Promise<UploadUrl> {
    const { canWrite, service, uploads } = this.#options;
    if (!canWrite) throw new ConsoleRefusal(403, 'the console is read-only: start it with --write to upload');
    const key = uploadKey(service.uploadPrefix, name);
    return { key, url: uploads.url('PUT', key) };
  }

  async explain(key: string): Promise<Explanation> {
    const { api, uploads, service } = this.#options;
    const [object, tasks] = await Promise.all([
      uploads.find(key),
      listed(api.list({ object: key, bucket: service.uploadBucket })),
    ]);
    return explain({
      bucket: service.uploadBucket,
      key,
      object,
      isWatched: true,
      watchingSinceMs: undefined,
      events: [],
      report: undefined,
      tasks: tasks.map(taskView),
      sweep: undefined,
    });
  }

  close(): void {
    clearTimeout(this.#poll);
    this.#feed.close();
  }

  #service(unavailable: Partial<Record<Panel, string>>): Service {
    const { canWrite, command, service } = this.#options;
    const { name, region, uploadBucket, snapshotBucket, uploadPrefix } = service;
    return {
      kind: 'deployed',
      name,
      canWrite,
      region,
      uploadBucket,
      snapshotBucket,
      uploadPrefix,
      commands: commands(command),
      unavailable: { ...LOCAL_ONLY, ...unavailable },
    };
  }

  async #task(id: string): Promise<ApiTask> {
    return this.#tasks.get(id) ?? (await asked(this.#options.api.get(id)));
  }

  async #readTasks(): Promise<ApiTask[]> {
    const tasks = await listed(this.#options.api.list({ size: TASKS_SHOWN }));
    this.#tasks = new Map(tasks.map((task) => [task.task_id, task]));
    return tasks;
  }

  /** Instead of uploads, a sentence where the caller may not list them: the rest can still be shown. */
  async #readUploads(): Promise<Upload[] | string> {
    return this.#options.uploads.newest().catch((error: unknown) => {
      if (error instanceof ConsoleRefusal) return error.message;
      throw error;
    });
  }

  #pollLater(): NodeJS.Timeout {
    return setTimeout(async () => {
      // The next poll may succeed; the page keeps what it has.
      if (this.#listeners > 0) await this.#tellChanges().catch(() => {});
      this.#poll = this.#listeners > 0 ? this.#pollLater() : undefined;
    }, this.#options.pollEveryMs ?? POLL_EVERY_MS).unref();
  }

  async #tellNotices(): Promise<void> {
    for (const notice of (await this.#records.notices()).reverse()) {
      this.#feed.entry('notices', notice.id, () => notice);
    }
  }

  async #quota(): Promise<Quota> {
    const quota = await this.#records.quota();
    return { ...quota, ...(this.#noCalls !== undefined && { noCalls: this.#noCalls }) };
  }

  async #tellCalls(): Promise<void> {
    const { calls } = this.#options;
    if (calls === undefined) return;
    const before = this.#noCalls;
    try {
      for (const one of await calls.update()) this.#feed.entry('mpcCalls', one.id, () => one);
      this.#noCalls = undefined;
    } catch (error) {
      this.#noCalls =
        `The functions’ logs cannot be read. ${error instanceof Error ? error.message : ''}`.trim();
    }
    if (this.#noCalls === before) return;
    // The page shows at once whether there is anything to count.
    const quota = await this.#quota().catch(() => undefined);
    if (quota !== undefined) this.#feed.replace('quota', () => quota);
  }

  async #tellChanges(): Promise<void> {
    const before = new Map(
      [...this.#tasks.values()].map((task) => [task.task_id, JSON.stringify(taskView(task))]),
    );
    for (const task of (await this.#readTasks()).reverse()) {
      const view = taskView(task);
      if (before.get(view.id) !== JSON.stringify(view)) this.#feed.entry('tasks', view.id, () => view);
    }
    await this.#tellNotices();
    await this.#tellCalls();
    const quota = await this.#quota();
    this.#feed.replace('quota', () => quota);
  }
}

async function listed(list: ReturnType<SnapshotClient['list']>): Promise<ApiTask[]> {
  return (await asked(list)).task_array;
}

/** @throws ConsoleRefusal 404, 502 in place of what the client throws */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NoAnswerError) throw new ConsoleRefusal(502, error.message);
    if (!(error instanceof ApiError)) throw error;
    const { status, code, message } = error;
    throw new ConsoleRefusal(
      status === 404 ? 404 : 502,
      `the service answers ${status} ${code} ${message}`.trim(),
    );
  }
}

function taskView(task: ApiTask): Task {
  const { task_id: id, status, input, create_time = '', end_time = '', description, capture } = task;
  const pictures = task.thumbnail_info ?? [];
  const endedAtMs = parseUtc(end_time);
  const [cover] = isArchive(task.output_file_name) ? [] : pictures;
  return {
    id,
    status,
    bucket: input?.bucket ?? '',
    key: input?.object ?? '',
    createdAtMs: parseUtc(create_time) ?? 0,
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(description !== undefined && { description }),
    ...(capture !== undefined && { capture }),
    frameCount: pictures.length,
    ...(cover !== undefined && { cover: cover.pic_name }),
    isArchive: isArchive(task.output_file_name),
  };
}

function isArchive(outputFileName: string | undefined): boolean {
  return outputFileName?.toLowerCase().endsWith('.tar') === true;
}
