import { availableParallelism } from 'node:os';
import type { InstanceProcess } from './instance-process';
import type { LaunchLine } from './launch-line';

/** How many requests run in the whole account now, and how many may. */
export interface AccountConcurrency {
  running: number;
  readonly limit: number;
}

export interface InstancePoolOptions {
  launch: () => InstanceProcess;
  launchLine: LaunchLine;
  /** -1: no limit; 0: the function is disabled. */
  maxInstances: () => number;
  idleReclaimMs: number;
  account: AccountConcurrency;
  onRelease: () => void;
}

/** An instance for one request. `cold`: its process is new. */
export interface Taken {
  instance: InstanceProcess;
  cold: boolean;
}

/** The right to run one request. `release` must always follow `take`; it takes the instance back if it is still alive. */
export interface Slot {
  /**
   * The first instance that is free: an idle one, one that another request gives back, or a new process.
   * @returns undefined if the pool is closed before there is one
   */
  take(): Promise<Taken | undefined>;
  /** True once the pool is closed. Then no instance may be taken. */
  isPoolClosed(): boolean;
  release(): void;
}

/** A request that waits for an instance. */
interface Waiting {
  resolve: (taken: Taken | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * A request that finds every instance busy waits a little for one of them. While fewer are busy than this machine has cores, a
 * new process then starts. More processes than cores would only slow each other down: for one of those a request waits
 * about as long as a process takes to start and to become fast, and several times as long while instances come back.
 */
const FIRST_WAIT_MS = 100;
const NEXT_WAIT_MS = 300;
const MOST_NEXT_WAITS = 4;

/** The instances of one function. Each runs one request at a time and ends after a while without work. */
export class InstancePool {
  readonly #options: InstancePoolOptions;
  readonly #idle = new Map<InstanceProcess, NodeJS.Timeout>();
  readonly #busy = new Set<InstanceProcess>();
  /** Requests that wait for an instance, the first one first. */
  readonly #waiting = new Set<Waiting>();
  /** How many instances went from one request straight to the next. */
  #handedOn = 0;
  #reserved = 0;
  #generation = 0;
  /** The generation of the code and configuration that each instance was started with. */
  readonly #generations = new WeakMap<InstanceProcess, number>();
  #closed = false;

  constructor(options: InstancePoolOptions) {
    this.#options = options;
  }

  /** True if the function is deleted. Then it gets no more instances. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Reserves the right to run one request; undefined if the function or the account has no instance left. */
  reserve(): Slot | undefined {
    const { account, onRelease } = this.#options;
    const limit = this.#options.maxInstances();
    if (this.#closed) return undefined;
    if ((limit !== -1 && this.#reserved >= limit) || account.running >= account.limit) return undefined;
    this.#reserved += 1;
    account.running += 1;
    let current: InstanceProcess | undefined;
    return {
      take: async () => {
        if (current !== undefined) this.#busy.delete(current);
        current = undefined;
        if (this.#closed) return undefined;
        const idle = this.#takeIdle();
        const taken = idle === undefined ? await this.#firstFree() : { instance: idle, cold: false };
        if (taken === undefined) return undefined;
        current = taken.instance;
        this.#busy.add(current);
        return taken;
      },
      isPoolClosed: () => this.#closed,
      release: () => {
        this.#reserved -= 1;
        account.running -= 1;
        if (current !== undefined) this.#giveBack(current);
        onRelease();
      },
    };
  }

  /** Ends idle instances now and busy ones after their request, because their code or configuration is outdated. */
  async retire(): Promise<void> {
    this.#generation += 1;
    await Promise.all([...this.#idle.keys()].map((instance) => this.#end(instance)));
  }

  /** Ends every instance, busy ones included. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { resolve } of this.#waiting) resolve(undefined);
    this.#waiting.clear();
    await Promise.all([this.retire(), ...[...this.#busy].map((instance) => instance.kill())]);
  }

  #takeIdle(): InstanceProcess | undefined {
    for (const [instance, timer] of [...this.#idle].reverse()) {
      clearTimeout(timer);
      this.#idle.delete(instance);
      if (instance.alive) return instance;
    }
    return undefined;
  }

  /** An instance that another request gives back; a new one if there is none, or if a busy one does not come back soon. */
  #firstFree(): Promise<Taken | undefined> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      const isAnyBusy = this.#busy.size > 0;
      this.#waiting.add(waiting);
      if (isAnyBusy) this.#lookAgain(waiting, FIRST_WAIT_MS, MOST_NEXT_WAITS);
      else this.#joinLine(waiting);
    });
  }

  /** @param waitsLeft how often a request that is still waiting then may wait again */
  #lookAgain(waiting: Waiting, afterMs: number, waitsLeft: number): void {
    const before = this.#handedOn;
    const look = () => {
      if (!this.#waiting.has(waiting)) return;
      const isCoreFree = this.#busy.size < availableParallelism();
      const isWorthWaiting = afterMs === FIRST_WAIT_MS || this.#handedOn > before;
      if (isCoreFree || waitsLeft === 0 || !isWorthWaiting) this.#joinLine(waiting);
      else this.#lookAgain(waiting, NEXT_WAIT_MS, waitsLeft - 1);
    };
    setTimeout(look, afterMs).unref();
  }

  #joinLine(waiting: Waiting): void {
    this.#options.launchLine.join(() => this.#launchFor(waiting));
  }

  /** @returns when its process has booted; undefined if the request no longer waits */
  #launchFor(waiting: Waiting): Promise<unknown> | undefined {
    if (!this.#waiting.delete(waiting)) return undefined;
    try {
      const instance = this.#options.launch();
      this.#generations.set(instance, this.#generation);
      this.#busy.add(instance);
      waiting.resolve({ instance, cold: true });
      return instance.booted;
    } catch (error) {
      waiting.reject(error);
      return undefined;
    }
  }

  #giveBack(instance: InstanceProcess): void {
    this.#busy.delete(instance);
    if (!instance.alive) return;
    if (this.#generations.get(instance) !== this.#generation) {
      void instance.kill();
      return;
    }
    const [first] = this.#waiting;
    if (first !== undefined) {
      this.#waiting.delete(first);
      this.#handedOn += 1;
      this.#busy.add(instance);
      first.resolve({ instance, cold: false });
      return;
    }
    const reclaim = setTimeout(() => void this.#end(instance), this.#options.idleReclaimMs);
    reclaim.unref();
    this.#idle.set(instance, reclaim);
  }

  #end(instance: InstanceProcess): Promise<void> {
    clearTimeout(this.#idle.get(instance));
    this.#idle.delete(instance);
    return instance.kill();
  }
}
