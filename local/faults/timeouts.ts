/** Things that are to happen later, all of which can be called off. */
export class Timeouts {
  readonly #running = new Set<NodeJS.Timeout>();

  /** What fails then has nobody to tell: it is printed. */
  later(afterMs: number, run: () => void): void {
    const timeout = setTimeout(() => {
      this.#running.delete(timeout);
      try {
        run();
      } catch (error) {
        console.error('faults: what was held back failed', error);
      }
    }, afterMs);
    this.#running.add(timeout.unref());
  }

  close(): void {
    for (const timeout of this.#running) clearTimeout(timeout);
    this.#running.clear();
  }
}
