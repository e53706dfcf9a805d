import type { InstanceProcess } from './instance-process';

/** How many requests run in the whole account now, and how many may. */
export interface AccountConcurrency {
  running: number;
  readonly limit: number;
}

export interface InstancePoolOptions {
  launch: () => InstanceProcess;
  /** -1: no limit; 0: the function is disabled. */
  maxInstances: () => number;
  idleReclaimMs: number;
  account: AccountConcurrency;
  onRelease: () => void;
}

/**
 * The right to run one request. `take()` returns an idle instance or a new process (`cold`). `release` must always
 * follow; it takes the instance back if it is still alive.
 */
export interface Slot {
  take(): { instance: InstanceProcess; cold: boolean };
  /** True once the pool is closed. Then no instance may be taken. */
  withdrawn(): boolean;
  release(): void;
}

/** The instances of one function. Each runs one request at a time and ends after a while without work. */
export class InstancePool {
  readonly #options: InstancePoolOptions;
  readonly #idle = new Map<InstanceProcess, NodeJS.Timeout>();
  readonly #busy = new Set<InstanceProcess>();
  #reserved = 0;
  #generation = 0;
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
    const generation = this.#generation;
    let current: InstanceProcess | undefined;
    return {
      take: () => {
        const idle = this.#takeIdle();
        current = idle ?? this.#options.launch();
        this.#busy.add(current);
        return { instance: current, cold: idle === undefined };
      },
      withdrawn: () => this.#closed,
      release: () => {
        this.#reserved -= 1;
        account.running -= 1;
        if (current !== undefined) this.#giveBack(current, generation === this.#generation);
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

  #giveBack(instance: InstanceProcess, upToDate: boolean): void {
    this.#busy.delete(instance);
    if (!instance.alive) return;
    if (!upToDate) {
      void instance.kill();
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
