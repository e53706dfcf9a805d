import { once, setMaxListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Clock } from '../clock';
import type { MpcBehaviour } from './behaviour';
import { CaptureError, type CaptureFailure } from './capture/capture-error';
import type { Video } from './capture/capture-pool';
import type { Frame } from './capture/worker-messages';
import type { Capture, ObjectStore } from './collaborators';
import { keyIn, PastTheEnd, planPictures, type Sampling, tarName } from './naming';
import { pictureSize } from './size';
import { TAR_END, tarEntry } from './tar';
import type { Task, TaskBook } from './task-book';

const MINUTE_MS = 60_000;

type CaptureJob = Parameters<Video['capture']>[0];
type Interval = Extract<Sampling, { type: 'TIME' }>;

/** Why a task failed. */
export type FailureReason = CaptureFailure | 'no_input' | 'system';

/** A task that cannot be finished. The message becomes its `description`. */
export class TaskFailure extends Error {
  constructor(
    readonly reason: FailureReason,
    message: string,
  ) {
    super(message);
  }
}

export interface TaskRunnerOptions {
  tasks: TaskBook;
  store: ObjectStore;
  capture: Capture;
  behaviour: MpcBehaviour;
  parallelTasks: number;
  clock: Clock;
}

/** Works through the queue, oldest task first, a few at a time. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #queue: Task[] = [];
  readonly #delays = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #busy = 0;
  #turn: NodeJS.Timeout | undefined;
  /** When the next task may start, as `tasksPerMinute` says; ms since the epoch. */
  #nextStartMs = 0;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    // Everything that runs listens to it, and the number of running synchronous requests has no limit.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Queues a WAITING task. It starts when a place is free and its shortest waiting time is over. */
  enqueue(task: Task): void {
    const { behaviour, clock } = this.#options;
    const waitMs = task.createdAtMs + behaviour.queueDelayMs - clock();
    if (waitMs <= 0) {
      this.#admit(task);
      return;
    }
    const delay = setTimeout(() => {
      this.#delays.delete(delay);
      this.#admit(task);
    }, waitMs);
    this.#delays.add(delay.unref());
  }

  /**
   * Runs a WAITING task at once, without regard to the queue.
   *
   * @returns why it failed; undefined if it succeeded
   */
  run(task: Task): Promise<TaskFailure | undefined> {
    this.#options.tasks.start(task);
    const done = this.#process(task);
    this.#running.add(done);
    return done.finally(() => this.#running.delete(done));
  }

  /** Stops the work. Running tasks stay PROCESSING in the journal and start over in the next process. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const delay of this.#delays) clearTimeout(delay);
    clearTimeout(this.#turn);
    await Promise.allSettled(this.#running);
  }

  #admit(task: Task): void {
    this.#queue.push(task);
    this.#next();
  }

  #next(): void {
    while (this.#busy < this.#options.parallelTasks && !this.#closing.signal.aborted) {
      if (this.#queue.length === 0 || this.#waitsForItsTurn()) return;
      const task = this.#queue.shift();
      if (task === undefined) return;
      if (task.status !== 'WAITING') continue;
      const { tasksPerMinute } = this.#options.behaviour;
      if (tasksPerMinute > 0)
        this.#nextStartMs = Math.max(this.#nextStartMs, Date.now()) + MINUTE_MS / tasksPerMinute;
      this.#busy++;
      void this.run(task).finally(() => {
        this.#busy--;
        this.#next();
      });
    }
  }

  /** True while no task may start. The queue is checked again when one may. */
  #waitsForItsTurn(): boolean {
    const waitMs = this.#nextStartMs - Date.now();
    if (waitMs <= 0) return false;
    if (this.#turn === undefined) {
      this.#turn = setTimeout(() => {
        this.#turn = undefined;
        this.#next();
      }, waitMs).unref();
    }
    return true;
  }

  async #process(task: Task): Promise<TaskFailure | undefined> {
    const { tasks, clock } = this.#options;
    try {
      const notes = new Set<string>();
      const outputFileName = await this.#makePictures(task, notes);
      if (this.#closing.signal.aborted) return undefined;
      tasks.succeed(task, clock(), { outputFileName, description: [...notes].join('; ') || undefined });
      return undefined;
    } catch (error) {
      const failure = asFailure(error);
      if (!this.#closing.signal.aborted) tasks.fail(task, clock(), failure.message);
      return failure;
    }
  }

  /**
   * @param notes receives what is wrong with the pictures
   * @returns the only file of the result, if there is only one
   */
  async #makePictures(task: Task, notes: Set<string>): Promise<string | undefined> {
    const { store, capture, behaviour } = this.#options;
    const { signal } = this.#closing;
    const filePath = findInput(store, task);
    const video = await capture.open(filePath, signal);
    try {
      const durationMs = await this.#plausibleDurationMs(task, video);
      try {
        return await this.#makePicturesOf(task, video, durationMs, notes);
      } catch (error) {
        if (asFailure(error).reason !== 'past_the_end') throw error;
        // "To the end" means the end of the pictures. A header may state more if the sound is longer.
        const takesEnd = task.sampling.type === 'TIME' || behaviour.dotPastEnd === 'clamped';
        const measuredMs = await measuredDurationMs(video, signal);
        if (measuredMs === durationMs || (measuredMs < durationMs && !takesEnd)) throw error;
        notes.clear();
        if (Math.abs(durationMs - measuredMs) > MAX_SHORTAGE_MS) notes.add(otherEnd(measuredMs, durationMs));
        await this.#discardPictures(task);
        return await this.#makePicturesOf(task, video, measuredMs, notes);
      }
    } finally {
      video.close();
    }
  }

  /**
   * The duration that the file states. If it states none, or one that makes very many pictures, the end of the last
   * frame. Throws TaskFailure if even that makes too many.
   */
  async #plausibleDurationMs({ sampling }: Task, video: Video): Promise<number> {
    const { durationMs } = video.info;
    const hasTooMany = (ms: number) =>
      sampling.type === 'TIME' && lengthMs(sampling, ms) / sampling.intervalSeconds > MAX_PICTURES * 1000;
    if (durationMs !== undefined && !hasTooMany(durationMs)) return durationMs;
    const measuredMs = await measuredDurationMs(video, this.#closing.signal);
    if (!hasTooMany(measuredMs)) return measuredMs;
    throw new TaskFailure(
      'too_large',
      `With this interval, the times in the file give more than ${MAX_PICTURES} pictures.`,
    );
  }

  /** Deletes the pictures of an attempt. How many were stored by then is a matter of chance. */
  async #discardPictures(task: Task): Promise<void> {
    const { store, tasks } = this.#options;
    for (const name of tasks.removePictures(task)) {
      if (!task.tar) await store.delete(task.output.bucket, keyIn(task.output.object, name));
    }
  }

  async #makePicturesOf(
    task: Task,
    video: Video,
    durationMs: number,
    notes: Set<string>,
  ): Promise<string | undefined> {
    const { behaviour } = this.#options;
    // With an archive, `output_filename` is the name of the archive.
    const fileName = task.tar ? undefined : task.fileName;
    const planned = planPictures(task.sampling, durationMs, fileName, behaviour.dotPastEnd);
    const job = {
      points: planned.map(({ point }) => point),
      size: pictureSize(task.size, video.info, behaviour.sizeWithoutRule),
    };
    const names = planned.map(({ name }) => name);
    const noting: Video = {
      ...video,
      capture: (work, onFrame, signal) =>
        video.capture(
          work,
          (frame) => {
            refuseOtherEnd(frame, durationMs);
            for (const note of frame.notes ?? []) notes.add(note);
            return onFrame(frame);
          },
          signal,
        ),
    };
    if (task.tar) return this.#storeArchive(task, noting, job, names);
    await this.#storePictures(task, noting, job, names);
    return planned.length === 1 ? names[0] : undefined;
  }

  async #storePictures(task: Task, video: Video, job: CaptureJob, names: readonly string[]): Promise<void> {
    const { store, tasks } = this.#options;
    const { bucket, object: directory } = task.output;
    const storePicture = async (frame: Frame) => {
      await this.#pictureTurn();
      const name = nameOf(frame, names);
      await store.put(bucket, keyIn(directory, name), frame.jpeg, { contentType: 'image/jpeg' });
      tasks.addPicture(task, name);
    };
    let storing: Promise<void> | undefined;
    try {
      const onFrame = (frame: Frame) => {
        storing = storePicture(frame);
        return storing;
      };
      await video.capture(job, onFrame, this.#closing.signal);
    } finally {
      // A failed capture does not wait for the picture that is being stored, but the end of the task must.
      await storing?.catch(() => {});
    }
  }

  /** Delays a picture as `picturesPerSecond` says. */
  async #pictureTurn(): Promise<void> {
    const { picturesPerSecond } = this.#options.behaviour;
    if (picturesPerSecond > 0)
      await setTimeoutPromise(1000 / picturesPerSecond, undefined, {
        ref: false,
        signal: this.#closing.signal,
      });
  }

  /** @returns the name of the archive */
  async #storeArchive(task: Task, video: Video, job: CaptureJob, names: readonly string[]): Promise<string> {
    const { store, tasks, clock } = this.#options;
    const { signal } = this.#closing;
    const archive = tarName(task.fileName, task.id);
    const key = keyIn(task.output.object, archive);
    const members: string[] = [];
    const content = new PassThrough();
    // Every failure arrives through `stored` or `captured`. Without a listener this event would end the process.
    content.on('error', () => {});
    const stored = store.put(task.output.bucket, key, content, { contentType: 'application/x-tar' });
    stored.catch((error) => content.destroy(error));
    const addMember = async (frame: Frame) => {
      await this.#pictureTurn();
      if (content.errored !== null) throw content.errored;
      const name = nameOf(frame, names);
      members.push(name);
      if (!content.write(tarEntry(name, frame.jpeg, clock()))) await once(content, 'drain', { signal });
    };
    const captured = video.capture(job, addMember, signal);
    captured.then(
      () => content.end(TAR_END),
      (error) => content.destroy(error),
    );
    await Promise.all([captured, stored]);
    for (const name of members) tasks.addPicture(task, name);
    return archive;
  }
}

/** Estimated durations are off by less, and sound commonly outlasts the pictures by less. */
const MAX_SHORTAGE_MS = 1000;

/** More pictures than seconds of a day: such a length is a mistake or an attack. */
const MAX_PICTURES = 100_000;

function lengthMs({ startSeconds, durationSeconds }: Interval, videoMs: number): number {
  const toEndMs = Math.max(0, videoMs - startSeconds * 1000);
  return durationSeconds === 0 ? toEndMs : Math.min(toEndMs, durationSeconds * 1000);
}

/** The last frame would be named after a time at which there is another one, or none. */
function refuseOtherEnd({ endMs }: Frame, durationMs: number): void {
  if (endMs === undefined || Math.abs(durationMs - endMs) <= MAX_SHORTAGE_MS) return;
  throw new CaptureError('past_the_end', `the pictures end at ${endMs} ms, not at ${durationMs} ms`);
}

function otherEnd(picturesMs: number, statedMs: number): string {
  const [end, stated] = [picturesMs, statedMs].map((ms) => `${(ms / 1000).toFixed(1)} s`);
  if (picturesMs > statedMs) return `the pictures go on to ${end}, where the file states ${stated}`;
  return `the pictures end at ${end}, where the file states ${stated}: it was cut off, or its sound goes on longer`;
}

function nameOf({ index }: Frame, names: readonly string[]): string {
  const name = names[index];
  if (name === undefined) throw new TaskFailure('system', `System error. Frame ${index} was not asked for.`);
  return name;
}

/** The path of the input's bytes. The keys in MPC's own examples start with a slash that the object does not have. */
function findInput(store: ObjectStore, { input: { bucket, object } }: Task): string {
  const found = store.head(bucket, object) ?? store.head(bucket, object.replace(/^\/+/, ''));
  if (found === undefined) {
    throw new TaskFailure('no_input', `The input file ${object} does not exist in the bucket ${bucket}.`);
  }
  if (found.storageClass === 'COLD') {
    throw new TaskFailure(
      'no_input',
      `The input file ${object} in the bucket ${bucket} is archived (InvalidObjectState): restore it first.`,
    );
  }
  return found.filePath;
}

/** The end of the last frame's display. */
async function measuredDurationMs(video: Video, signal: AbortSignal): Promise<number> {
  let lastFrameMs = 0;
  let endMs: number | undefined;
  const job = { points: ['last' as const], size: 'source' as const };
  await video.capture(
    job,
    (frame) => {
      lastFrameMs = frame.presentationMs;
      endMs = frame.endMs;
    },
    signal,
  );
  if (endMs !== undefined) return endMs;
  const { frameRate } = video.info;
  return lastFrameMs + (frameRate === undefined ? 0 : 1000 / frameRate);
}

function asFailure(error: unknown): TaskFailure {
  if (error instanceof TaskFailure) return error;
  if (error instanceof PastTheEnd) return new TaskFailure('past_the_end', error.message);
  if (error instanceof CaptureError) return new TaskFailure(error.reason, error.message);
  return new TaskFailure('system', `System error. ${error instanceof Error ? error.message : String(error)}`);
}
