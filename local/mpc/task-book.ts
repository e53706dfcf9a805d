import { mkdirSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { Journal, readJournal } from '../journal';
import type { Sampling } from './naming';
import type { RequestedSize } from './size';

export type TaskStatus = 'WAITING' | 'PROCESSING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';

export interface ObsLocation {
  bucket: string;
  location: string;
  object: string;
}

/** A snapshot task. Only the book changes these objects, in place; others read them. */
export interface Task {
  /** Digits only. */
  id: string;
  status: TaskStatus;
  createdAtMs: number;
  /** Only in the final states. */
  endedAtMs?: number;
  input: ObsLocation;
  /** `object` is the actual directory of the pictures, without a slash at either end. */
  output: ObsLocation;
  userData?: string;
  /** Why the task failed, or what is wrong with its pictures. */
  description?: string;
  /** Names of the pictures so far, in the order of capture. */
  pictures: string[];
  /** The only file of the result, if there is only one: a single picture, or the archive. */
  outputFileName?: string;
  sampling: Sampling;
  size: RequestedSize;
  /** `output_filename` of the request. */
  fileName?: string;
  /** Whether to pack the pictures into one archive. */
  tar: boolean;
}

export type NewTask = Omit<Task, 'id' | 'pictures'>;

const obsLocation = z.object({ bucket: z.string(), location: z.string(), object: z.string() });
const journalLine: z.ZodType<Task> = z.object({
  id: z.string().regex(/^\d+$/),
  status: z.enum(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED']),
  createdAtMs: z.number(),
  endedAtMs: z.number().exactOptional(),
  input: obsLocation,
  output: obsLocation,
  userData: z.string().exactOptional(),
  description: z.string().exactOptional(),
  pictures: z.array(z.string()),
  outputFileName: z.string().exactOptional(),
  sampling: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('TIME'),
      intervalSeconds: z.number(),
      startSeconds: z.number(),
      durationSeconds: z.number(),
    }),
    z.object({ type: z.literal('DOTS'), seconds: z.array(z.number()) }),
    z.object({ type: z.literal('DOTS_MS'), milliseconds: z.array(z.number()) }),
  ]),
  size: z.object({ width: z.number(), height: z.number(), maxLength: z.number() }),
  fileName: z.string().exactOptional(),
  tar: z.boolean(),
});

/** Most characters of `description`. */
const MAX_DESCRIPTION = 256;
/** Ids have at most 16 characters; captured ones look like 4280012. */
const FIRST_ID = 1_000_001;

/** All tasks and their states. With a directory they survive the process, in a journal with one line per change. */
export class TaskBook {
  readonly #tasks = new Map<string, Task>();
  readonly #listeners = new Set<(task: Task) => void>();
  readonly #journal: Journal<Task> | undefined;
  #nextId = FIRST_ID;

  /**
   * Tasks that were running when the last process ended are WAITING again, without pictures.
   *
   * @param directory directory of the journal; undefined keeps the tasks in memory only
   * @throws Error if the journal is damaged anywhere but in its last line, which a crash may have cut
   */
  constructor(directory?: string) {
    if (directory === undefined) return;
    mkdirSync(directory, { recursive: true });
    const file = path.join(directory, 'tasks.jsonl');
    // Each line is a state of a task. The last line of a task counts.
    const latest = new Map<string, Task>();
    for (const task of readJournal(file, journalLine)) latest.set(task.id, task);
    for (const task of latest.values()) {
      if (task.status === 'PROCESSING') Object.assign(task, { status: 'WAITING', pictures: [] });
      this.#tasks.set(task.id, task);
      this.#nextId = Math.max(this.#nextId, Number(task.id) + 1);
    }
    this.#journal = new Journal(file, this.list());
  }

  /** All tasks, oldest first. */
  list(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** Calls the listener after every change of state and every new picture. @returns a function that ends this */
  onChange(listener: (task: Task) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(task: NewTask): Task {
    const added: Task = { ...task, id: String(this.#nextId++), pictures: [] };
    this.#tasks.set(added.id, added);
    this.#record(added);
    return added;
  }

  start(task: Task): void {
    this.#move(task, 'WAITING', { status: 'PROCESSING' });
  }

  /** The journal does not contain single pictures: an interrupted task starts over anyway. */
  addPicture(task: Task, name: string): void {
    task.pictures.push(name);
    this.#notify(task);
  }

  /** Forgets the pictures of a failed attempt. @returns their names */
  removePictures(task: Task): string[] {
    const names = task.pictures.splice(0);
    this.#notify(task);
    return names;
  }

  /** @param result.description what is wrong with the pictures */
  succeed(
    task: Task,
    endedAtMs: number,
    result: { outputFileName?: string | undefined; description?: string | undefined },
  ): void {
    const { outputFileName, description } = result;
    this.#move(task, 'PROCESSING', {
      status: 'SUCCEEDED',
      endedAtMs,
      ...(outputFileName === undefined ? {} : { outputFileName }),
      ...(description === undefined ? {} : { description: description.slice(0, MAX_DESCRIPTION) }),
    });
  }

  fail(task: Task, endedAtMs: number, description: string): void {
    this.#move(task, 'PROCESSING', {
      status: 'FAILED',
      endedAtMs,
      description: description.slice(0, MAX_DESCRIPTION),
    });
  }

  /** Only a queued task can be cancelled. */
  cancel(task: Task, endedAtMs: number): void {
    this.#move(task, 'WAITING', { status: 'CANCELED', endedAtMs });
  }

  #move(task: Task, from: TaskStatus, change: Partial<Task>): void {
    if (task.status !== from) {
      throw new Error(`task ${task.id} is ${task.status}; only ${from} can become ${change.status}`);
    }
    Object.assign(task, change);
    this.#record(task);
  }

  #record(task: Task): void {
    this.#journal?.append(task);
    this.#notify(task);
  }

  /** Closes the journal. Nothing may change afterwards. */
  close(): void {
    this.#journal?.close();
  }

  #notify(task: Task): void {
    for (const listener of this.#listeners) listener(task);
  }
}
