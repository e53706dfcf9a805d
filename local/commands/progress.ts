/** A line of progress: rewritten in place on a terminal, one line per step elsewhere. */
export class Progress {
  #shown = '';

  show(text: string): void {
    if (text === this.#shown) return;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
    // Where nothing can be rewritten, every new number would be noise.
    else if (text.replace(/\d+/g, '') !== this.#shown.replace(/\d+/g, '')) process.stdout.write(`${text}\n`);
    this.#shown = text;
  }

  /** Clears the line of a terminal. */
  clear(): void {
    if (process.stdout.isTTY && this.#shown !== '') process.stdout.write('\r\x1b[K');
    this.#shown = '';
  }
}
