/** A line of a stream. */
export interface LogLine {
  content: string;
  /** When LTS received it. */
  timeMs: number;
  /** 19 digits, growing within a stream. */
  lineNum: string;
}

/** What to search in a stream. */
export interface LineQuery {
  startMs: number;
  endMs: number;
  /** The line must contain each of them as a whole word. */
  keywords: readonly string[];
  limit: number;
  isDescending: boolean;
  /** The search goes on after this line, in the requested order. */
  after?: string | undefined;
}

export interface LineAnswer {
  lines: LogLine[];
  isComplete: boolean;
  /** The line at which an incomplete search stopped. */
  stoppedAt?: string | undefined;
}

/** Beyond this number the oldest lines are dropped: this is the memory of a laptop. */
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

  /** @param linesPerScan the search reads this many lines, then answers with what it has found */
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

/** LTS's default delimiters of words (LTS user guide, setting indexes). */
const DELIMITERS = /[\s,'";=()[\]{}@&<>/:?]+/;

function hasWord(content: string, keyword: string): boolean {
  return content.toLowerCase().split(DELIMITERS).includes(keyword.toLowerCase());
}
