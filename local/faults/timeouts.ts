/** Delayed actions that can all be cancelled together. */
export class Timeouts {
  readonly #running = new Set<NodeJS.Timeout>();

  /** Nobody waits for a delayed action, so its failure is printed. */
  later(afterMs: number, run: () => void): void {
    const timeout = setTimeout(() => {
      this.#running.delete(timeout);
      try {
        run();
      } catch (error) {
        console.error('faults: a delayed action failed', error);
      }
    }, afterMs);
    this.#running.add(timeout.unref());
  }

  close(): void {
    for (const timeout of this.#running) clearTimeout(timeout);
    this.#running.clear();
  }
}
