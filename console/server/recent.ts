/** The newest entries by their identity: beyond the limit the oldest is forgotten. */
export class Recent<T> {
  readonly #entries = new Map<string, T>();

  constructor(private readonly limit: number) {}

  get(id: string): T | undefined {
    return this.#entries.get(id);
  }

  /** Adds an entry, or puts it in the place of the one with its identity. */
  set(id: string, entry: T): void {
    this.#entries.set(id, entry);
    if (this.#entries.size <= this.limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Newest first. */
  list(): T[] {
    return [...this.#entries.values()].reverse();
  }
}
