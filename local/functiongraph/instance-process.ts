import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { childProgram } from '../child-program';
import type {
  Answer,
  FromInstance,
  InstanceConfiguration,
  InvocationCredentials,
  LogLevel,
  ToInstance,
} from './instance-protocol';

/** One line that the user's code printed. */
export interface LogLine {
  timeMs: number;
  level: LogLevel;
  text: string;
}

/** The result of one exchange with an instance. */
export interface Exchange {
  answer: Answer;
  log: LogLine[];
  memoryUsedBytes: number;
}

const MEMORY_POLL_MS = 50;
/** The page size in which Linux counts resident memory, on every platform that Node.js supports by default. */
const PAGE_BYTES = 4096;
const MAX_RAW_STDERR = 16 * 1024;

/**
 * The process of one function instance. It runs one request at a time. A time-out, too much memory or its own exit
 * fails the request and leaves the instance dead.
 */
export class InstanceProcess {
  readonly #child: ChildProcess;
  readonly #memoryMb: number;
  readonly #exited: Promise<void>;
  readonly #cleared: Promise<void>;
  /** Fulfilled when the process runs, or has ended before. */
  readonly booted: Promise<unknown>;
  #alive = true;
  #hasExited = false;
  /** Ends the current exchange. */
  #onExit: (() => void) | undefined;
  #rawStderr = '';

  /**
   * @param environment the whole environment of the process
   * @param workingDirectory its current directory; the user's code is in `code/` below it
   * @param temporaryDirectory is deleted when the process has ended
   */
  constructor(
    environment: Record<string, string>,
    workingDirectory: string,
    temporaryDirectory: string,
    memoryMb: number,
  ) {
    this.#memoryMb = memoryMb;
    this.#child = fork(childProgram('functiongraph/instance.ts'), [], {
      cwd: workingDirectory,
      env: environment,
      // V8 by itself takes half of the memory of a container of that size. The platform's Node.js 20.15 cannot yet load
      // ES modules with require().
      execArgv: [
        `--max-heap-size=${memoryMb / 2}`,
        '--no-experimental-require-module',
        '--no-experimental-detect-module',
      ],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#rawStderr = (this.#rawStderr + chunk.toString()).slice(-MAX_RAW_STDERR);
    });
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        this.#alive = false;
        this.#hasExited = true;
        this.#onExit?.();
        resolve();
      };
      this.#child.once('close', gone);
      this.#child.once('error', gone);
    });
    const ready = new Promise((resolve) => this.#child.once('message', resolve));
    this.booted = Promise.race([ready, this.#exited]);
    this.#cleared = this.#exited
      .then(() => rm(temporaryDirectory, { recursive: true, force: true }))
      // A file that cannot be deleted now disappears with the whole local cloud.
      .catch(() => {});
  }

  get alive(): boolean {
    return this.#alive;
  }

  /**
   * Loads the code and runs the initializer, if one is configured. The time-out does not count the start of the process,
   * which on this machine takes long when many instances start at once.
   */
  async initialise(
    configuration: InstanceConfiguration,
    credentials: InvocationCredentials,
    timeoutMs: number,
  ): Promise<Exchange> {
    const timedOut = {
      isError: true,
      errorCode: 4011,
      body: `call initializer timeout ${timeoutMs / 1000}s`,
    };
    await this.booted;
    return this.#exchange({ type: 'initialise', configuration, credentials }, timeoutMs, timedOut);
  }

  /** Runs one request. */
  invoke(
    requestId: string,
    event: string,
    credentials: InvocationCredentials,
    timeoutMs: number,
  ): Promise<Exchange> {
    const timedOut = { isError: true, errorCode: 4010, body: `call invoke timeout ${timeoutMs / 1000}s` };
    return this.#exchange({ type: 'invoke', requestId, event, credentials }, timeoutMs, timedOut);
  }

  /** Ends the process at once. Resolves when the process and its temporary files are gone. */
  kill(): Promise<void> {
    this.#alive = false;
    this.#child.kill('SIGKILL');
    return this.#cleared;
  }

  async #exchange(message: ToInstance, timeoutMs: number, timedOut: Answer): Promise<Exchange> {
    const log: LogLine[] = [];
    let memoryUsedBytes = 0;
    let killedFor: Answer | undefined;
    const endWith = (reason: Answer) => {
      killedFor = reason;
      void this.kill();
    };
    const timeout = setTimeout(() => endWith(timedOut), timeoutMs);
    const memoryWatch = setInterval(() => {
      memoryUsedBytes = Math.max(memoryUsedBytes, this.#residentBytes());
      if (memoryUsedBytes > this.#memoryMb * 1024 * 1024) endWith(this.#outOfMemory());
    }, MEMORY_POLL_MS);

    const answered = new Promise<Answer>((resolve) => {
      this.#child.removeAllListeners('message');
      this.#child.on('message', (received: FromInstance) => {
        if (received.type === 'log') {
          log.push({ timeMs: received.timeMs, level: received.level, text: received.text });
          return;
        }
        if (received.type === 'ready') return;
        memoryUsedBytes = Math.max(memoryUsedBytes, received.rssBytes);
        resolve(received.answer);
      });
      // One callback in place of a `then` for each exchange, because an instance may live for thousands of them.
      this.#onExit = () => {
        const reason = killedFor ?? this.#died();
        log.push({ timeMs: Date.now(), level: 'ERROR', text: reason.body });
        resolve(reason);
      };
      if (this.#hasExited) this.#onExit();
      this.#child.send(message, () => {});
    });
    const answer = await answered;
    this.#onExit = undefined;
    clearTimeout(timeout);
    clearInterval(memoryWatch);
    return { answer, log, memoryUsedBytes };
  }

  /** The reason for an unexpected end, with what Node.js printed before it. */
  #died(): Answer {
    if (/heap out of memory|heap limit/.test(this.#rawStderr)) return this.#outOfMemory();
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    const printed = this.#rawStderr.trim();
    return {
      isError: true,
      errorCode: 4002,
      body: `function invocation exception, error: the process ended with ${how} before it answered${printed === '' ? '' : `\n${printed}`}`,
    };
  }

  #outOfMemory(): Answer {
    return {
      isError: true,
      errorCode: 4002,
      body: `function invocation exception, error: memory limit exceeded: the function used more than its ${this.#memoryMb} MB; raise memory_size`,
    };
  }

  /** Resident memory. 0 if the system has no /proc; then only V8's own limit applies. */
  #residentBytes(): number {
    try {
      const [, residentPages] = readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ');
      return Number(residentPages) * PAGE_BYTES;
    } catch {
      return 0;
    }
  }
}
