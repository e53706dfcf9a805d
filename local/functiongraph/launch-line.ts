import { availableParallelism } from 'node:os';

/** Starts a process. @returns when it has booted; undefined if it is no longer needed */
export type Launch = () => Promise<unknown> | undefined;

/**
 * The line of processes that are to be started. As many boot at a time as the machine has cores: more would only slow each
 * other down.
 */
export class LaunchLine {
  readonly #waiting: Launch[] = [];
  #free = availableParallelism();

  /** Calls `launch` when it is its turn: at once if a core is free. */
  join(launch: Launch): void {
    this.#waiting.push(launch);
    this.#next();
  }

  #next(): void {
    while (this.#free > 0) {
      const launch = this.#waiting.shift();
      if (launch === undefined) return;
      const booted = launch();
      if (booted === undefined) continue;
      this.#free -= 1;
      void booted.finally(() => {
        this.#free += 1;
        this.#next();
      });
    }
  }
}
