import { format } from 'node:util';
import type { LogLevel } from './instance-protocol';

const SEVERITY: Record<LogLevel, number> = { DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };

/** The logger that `context.getLogger()` returns (FunctionGraph developer guide, Node.js SDK APIs). */
export class RuntimeLogger {
  #threshold: LogLevel = 'INFO';
  readonly #write: (level: LogLevel, text: string) => void;

  constructor(write: (level: LogLevel, text: string) => void) {
    this.#write = write;
  }

  setLevel(level: LogLevel): void {
    if (level in SEVERITY) this.#threshold = level;
  }

  debug(...args: unknown[]): void {
    this.#log('DEBUG', args);
  }

  info(...args: unknown[]): void {
    this.#log('INFO', args);
  }

  warn(...args: unknown[]): void {
    this.#log('WARN', args);
  }

  error(...args: unknown[]): void {
    this.#log('ERROR', args);
  }

  #log(level: LogLevel, args: unknown[]): void {
    if (SEVERITY[level] >= SEVERITY[this.#threshold]) this.#write(level, format(...args));
  }
}

/**
 * Sends all output of user code to the log: stdout as INFO, stderr as ERROR. As on the platform, the replaced `write`
 * returns undefined and never calls back.
 */
export function captureOutput(write: (level: LogLevel, text: string) => void): void {
  const replace = (stream: NodeJS.WriteStream, level: LogLevel) => {
    stream.write = ((chunk: string | Uint8Array) => {
      write(level, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    }) as unknown as typeof stream.write;
  };
  replace(process.stdout, 'INFO');
  replace(process.stderr, 'ERROR');
}
