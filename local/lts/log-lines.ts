/** A line of a stream. */
export interface LogLine {
  content: string;
  /** When LTS got it. */
  timeMs: number;
  /** 19 digits, growing within a stream. */
  lineNum: string;
}

/** What one asks of a stream. */
export interface LineQuery {
  startMs: number;
  endMs: number;
  /** Every one of them must be in the line, as a whole word. */
  keywords: readonly string[];
  limit: number;
  isDescending: boolean;
  /** Go on behind this line, in the order of the question. */
  after?: string | undefined;
}

export interface LineAnswer {
  lines: LogLine[];
  isComplete: boolean;
  /** The line at which the search stopped, when it is not complete. */
  stoppedAt?: string | undefined;
}

/** Older lines go: this is the memory of a laptop. */
const MAX_LINES = 50_000;

/** The lines of one stream, in memory. */
export class LogLines {
  #lines: LogLine[] = [];
  #lastNum = 0n;

  append(content: string, timeMs: number): void {
    const wanted = BigInt(Math.floor(timeMs)) * 1_000_000n;
    this.#lastNum = wanted > this.#lastNum ? wanted : this.#lastNum + 1n;
    this.#lines.push({ content, timeMs, lineNum: String(this.#lastNum) });
    if (this.#lines.length > MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES / 2);
  }

  /** @param linesPerScan the search looks at so many lines, then answers with what it has */
  find(
    { startMs, endMs, keywords, limit, isDescending, after }: LineQuery,
    linesPerScan: number,
  ): LineAnswer {
    const inTime = this.#lines.filter(({ timeMs }) => timeMs >= startMs && timeMs <= endMs);
    const ordered = isDescending ? inTime.reverse() : inTime;
    const left =
      after === undefined ? ordered : ordered.filter(({ lineNum }) => isBehind(lineNum, after, isDescending));
    const lines: LogLine[] = [];
    for (const [index, line] of left.entries()) {
      if (lines.length === limit) return { lines, isComplete: true };
      if (index === linesPerScan) return { lines, isComplete: false, stoppedAt: left[index - 1]?.lineNum };
      if (keywords.every((keyword) => hasWord(line.content, keyword))) lines.push(line);
    }
    return { lines, isComplete: true };
  }
}

function isBehind(lineNum: string, other: string, isDescending: boolean): boolean {
  return isDescending ? BigInt(lineNum) < BigInt(other) : BigInt(lineNum) > BigInt(other);
}

/** What LTS splits a line at unless a stream is told otherwise (LTS user guide, setting indexes). */
const DELIMITERS = /[\s,'";=()[\]{}@&<>/:?]+/;

function hasWord(content: string, keyword: string): boolean {
  return content.toLowerCase().split(DELIMITERS).includes(keyword.toLowerCase());
}
