import { type ConsoleChange, LIMITS } from './console-api';

/** Changes within a short time are sent in one message. */
const TELL_AFTER_MS = 100;

type ListName = 'uploads' | 'tasks' | 'events' | 'invocations' | 'requests' | 'notices' | 'mpcCalls';
type ReplacedName = 'timers' | 'faults' | 'settings' | 'quota';
type Entry<Name extends ListName> = NonNullable<ConsoleChange[Name]>[number];

/** Gathers changes and sends them in batches: each entry once, in its latest state. */
export class ChangeFeed {
  readonly #listeners = new Set<(change: ConsoleChange) => void>();
  readonly #lists = new Map<ListName, Map<string, () => unknown>>();
  readonly #replacements = new Map<ReplacedName, () => unknown>();
  #removedUploads = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** Listens from now on; returns how to stop. Without a listener nothing is gathered. */
  listen(listener: (change: ConsoleChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An entry of a list is new or changed. @param view makes what is sent, at the time of sending */
  entry<Name extends ListName>(list: Name, id: string, view: () => Entry<Name>): void {
    if (!this.#isHeard()) return;
    const entries = this.#lists.get(list) ?? new Map<string, () => unknown>();
    this.#lists.set(list, entries);
    entries.delete(id);
    entries.set(id, view);
    if (list === 'uploads') this.#removedUploads.delete(id);
    if (entries.size > LIMITS[list]) entries.delete(entries.keys().next().value ?? '');
  }

  uploadRemoved(key: string): void {
    if (!this.#isHeard()) return;
    this.#lists.get('uploads')?.delete(key);
    this.#removedUploads.add(key);
  }

  /** A part that is always sent as a whole has changed. */
  replace<Name extends ReplacedName>(name: Name, view: () => NonNullable<ConsoleChange[Name]>): void {
    if (this.#isHeard()) this.#replacements.set(name, view);
  }

  /** Without a listener nothing needs to be looked up. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #isHeard(): boolean {
    if (!this.hasListeners) return false;
    this.#timer ??= setTimeout(() => this.#tell(), TELL_AFTER_MS).unref();
    return true;
  }

  #tell(): void {
    this.#timer = undefined;
    const change: Record<string, unknown> = {};
    for (const [name, entries] of this.#lists) {
      if (entries.size > 0) change[name] = [...entries.values()].map((view) => view()).reverse();
    }
    for (const [name, view] of this.#replacements) change[name] = view();
    if (this.#removedUploads.size > 0) change.removedUploads = [...this.#removedUploads];
    this.#lists.clear();
    this.#replacements.clear();
    this.#removedUploads = new Set();
    for (const listener of this.#listeners) listener(change as ConsoleChange);
  }
}
