import { availableParallelism } from 'node:os';
import { MAX_WORKER_BYTES } from './limits';
import type { PictureSize } from './picture-size';
import { CaptureTask, OpenTask, SharedVideo, type Task } from './tasks';
import type { CapturePoint, Frame, VideoInfo } from './worker-messages';
import { WorkerProcess } from './worker-process';

export { CaptureError } from './capture-error';
export type { PictureSize } from './picture-size';
export type { CapturePoint, Frame, VideoInfo } from './worker-messages';

const DEFAULT_TIMEOUT_MS = 60_000;
/** A group of pictures can be as long as the video. Other tasks wait this long for its end. */
const DEFAULT_IN_A_ROW_MS = 1000;

/** A video that stays open, so that opening it is paid for once. Close it when it is no longer needed. */
export interface Video {
  readonly info: VideoInfo;
  /**
   * Takes a picture at each point: of the frame on display at that moment, so that presentation time <= point < that of
   * the next frame.
   *
   * @param job.points in any order; points in the same frame give the same picture
   * @param onFrame receives each picture as soon as it is made, one awaited call at a time, in the order of time. If
   *   several workers share a job, each of them keeps that order in its part
   * @returns when all pictures were handed over
   * @throws CaptureError (`past_the_end` for a point at or after the end of the last frame), what `onFrame` threw, or
   *   the signal's reason once it is aborted; then `onFrame` is not called again
   */
  capture(
    job: { points: readonly CapturePoint[]; size: PictureSize },
    onFrame: (frame: Frame) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
  close(): void;
}

/** The result of a running task. */
interface Outcome {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Takes pictures of videos in warm child processes. Jobs take turns, so that none waits for the end of a long one.
 * Turns change at the end of a group of pictures, so that a worker rarely has more than one decoder. If the points of a
 * job are far apart, idle workers share it.
 */
export class CapturePool {
  readonly #limit: number;
  readonly #limits: { timeoutMs: number; memoryBytes: number };
  readonly #inARowMs: number;
  readonly #workers = new Set<WorkerProcess>();
  readonly #exits = new Set<Promise<void>>();
  /** The task whose turn was longest ago comes first. */
  readonly #tasks = new Map<Task, Outcome>();
  readonly #videos = new Set<SharedVideo>();
  /** The task whose group of pictures each worker is in, and when its turns in a row began. */
  readonly #underWay = new WeakMap<WorkerProcess, { task: Task; sinceMs: number }>();
  #isClosed = false;

  /**
   * @param options.workers most processes; default: one per core, because each decodes with one thread
   * @param options.timeoutMs limit for one picture, or for opening a file; default 60 s
   * @param options.memoryBytes memory limit of a worker; default 512 MB
   * @param options.inARowMs how long a job may continue within a group of pictures while others wait; default 1 s
   */
  constructor(
    options: { workers?: number; timeoutMs?: number; memoryBytes?: number; inARowMs?: number } = {},
  ) {
    this.#limit = options.workers ?? availableParallelism();
    const { timeoutMs = DEFAULT_TIMEOUT_MS, memoryBytes = MAX_WORKER_BYTES } = options;
    this.#limits = { timeoutMs, memoryBytes };
    this.#inARowMs = options.inARowMs ?? DEFAULT_IN_A_ROW_MS;
  }

  /** Process ids of the running workers. */
  get workerPids(): number[] {
    return [...this.#workers].flatMap((worker) => worker.pid ?? []);
  }

  /**
   * Starts all workers and resolves when they are ready, so that the first job finds them warm. Throws CaptureError.
   */
  async warmUp(): Promise<void> {
    const started: Promise<boolean>[] = [];
    while (this.#workers.size < this.#limit && !this.#isClosed) {
      started.push(this.#startWorker().run({ type: 'warmUp' }, () => {}));
    }
    await Promise.all(started);
    this.#assign();
  }

  /**
   * Opens a file and reads what it says about its video.
   * Throws CaptureError, or the signal's reason once it is aborted.
   */
  async open(filePath: string, signal?: AbortSignal): Promise<Video> {
    const video = new SharedVideo(filePath);
    this.#videos.add(video);
    const close = () => {
      this.#videos.delete(video);
      for (const worker of video.openIn) worker.closeVideo(video.id);
    };
    try {
      const task = new OpenTask(video);
      await this.#perform(task, signal);
      if (task.info === undefined) throw new Error('the worker has not answered');
      return { info: task.info, capture: (...job) => this.#capture(video, ...job), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Kills all workers. Running work fails. Resolves when the processes are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of [...this.#tasks.keys()]) this.#end(task, closedError());
    for (const worker of this.#workers) worker.kill();
    await Promise.all(this.#exits);
  }

  async #capture(
    video: SharedVideo,
    job: { points: readonly CapturePoint[]; size: PictureSize },
    onFrame: (frame: Frame) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const handOver = async (frame: Frame) => {
      if (!this.#tasks.has(task)) return;
      try {
        await onFrame(frame);
      } catch (error) {
        this.#end(task, error);
      }
    };
    const task = new CaptureTask(video, job, handOver, () => this.#advance(task));
    await this.#perform(task, signal);
  }

  async #perform(task: Task, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw closedError();
    const abort = () => this.#end(task, signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#tasks.set(task, { resolve, reject });
        this.#advance(task);
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Called after each step of a task: ends the task if it is over, and assigns the next turns. */
  #advance(task: Task): void {
    if (task.isOver) this.#end(task);
    this.#assign();
  }

  /** Ends a task. A worker that still works on it is killed, because nothing else stops a decoder. */
  #end(task: Task, error?: unknown): void {
    const outcome = this.#tasks.get(task);
    if (outcome === undefined) return;
    this.#tasks.delete(task);
    for (const worker of task.busy) {
      worker.kill();
      this.#workers.delete(worker);
    }
    if (error === undefined) outcome.resolve();
    else outcome.reject(error);
    this.#assign();
  }

  /** Assigns turns to idle workers. */
  #assign(): void {
    while (!this.#isClosed) {
      const match = this.#match();
      if (match === undefined) return;
      const { task, worker } = match;
      const outcome = this.#tasks.get(task);
      if (outcome === undefined) return;
      this.#tasks.delete(task);
      this.#tasks.set(task, outcome);
      void this.#giveTurn(task, worker);
    }
  }

  /**
   * A task, and the worker for its next turn. Each task stays with one worker, because an open video takes memory in
   * every worker that has it. A worker without work of its own helps with the rest.
   */
  #match(): { task: Task; worker: WorkerProcess } | undefined {
    const ready = [...this.#tasks.keys()]
      .filter((task) => task.hasTurn)
      .sort((one, other) => this.#rank(one) - this.#rank(other));
    if (ready.length === 0) return undefined;
    const idle = [...this.#workers].filter((worker) => worker.isIdle);
    if (idle.length === 0 && this.#workers.size < this.#limit) idle.push(this.#startWorker());
    const [leastLoaded] = idle.sort((one, other) => this.#load(one) - this.#load(other));
    if (leastLoaded === undefined) return undefined;
    for (const task of ready) {
      const { home } = task.video;
      if (home !== undefined && idle.includes(home)) return { task, worker: home };
      if (home !== undefined && this.#workers.has(home)) continue;
      task.video.home = leastLoaded;
      return { task, worker: leastLoaded };
    }
    const [task] = ready;
    if (task === undefined) return undefined;
    this.#moveIfUneven(task.video, leastLoaded);
    return { task, worker: leastLoaded };
  }

  /** Tasks without a turn yet come first, then those within a group of pictures, then the others by waiting time. */
  #rank(task: Task): number {
    if (!task.isBegun) return 0;
    const { home } = task.video;
    const underWay = home && this.#underWay.get(home);
    const goesOn = underWay?.task === task && performance.now() - underWay.sinceMs < this.#inARowMs;
    return goesOn ? 1 : 2;
  }

  #load(worker: WorkerProcess): number {
    let count = 0;
    for (const { home } of this.#videos) if (home === worker) count++;
    return count;
  }

  /** With two more videos in one worker than in another, its tasks would get less than their share. */
  #moveIfUneven(video: SharedVideo, to: WorkerProcess): void {
    const { home } = video;
    if (home === undefined || this.#load(home) - this.#load(to) < 2) return;
    home.closeVideo(video.id);
    video.home = to;
  }

  async #giveTurn(task: Task, worker: WorkerProcess): Promise<void> {
    task.busy.add(worker);
    task.video.openIn.add(worker);
    task.isBegun = true;
    const sinceMs = performance.now();
    try {
      const isMidGroup = await worker.run(task.takeTurn(worker), (output) => task.receive(output));
      if (!isMidGroup) this.#underWay.delete(worker);
      else if (this.#underWay.get(worker)?.task !== task) this.#underWay.set(worker, { task, sinceMs });
      task.busy.delete(worker);
      task.endTurn(worker);
      this.#advance(task);
    } catch (error) {
      task.busy.delete(worker);
      this.#end(task, error);
    }
  }

  #startWorker(): WorkerProcess {
    const worker = new WorkerProcess(this.#limits);
    this.#workers.add(worker);
    const exit = worker.exited.then(() => {
      this.#exits.delete(exit);
      this.#workers.delete(worker);
      this.#assign();
    });
    this.#exits.add(exit);
    return worker;
  }
}

function closedError(): Error {
  return new Error('the capture pool was closed');
}
