import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { childProgram } from '../../child-program';
import { CaptureError } from './capture-error';
import { MEMORY_MARGIN_BYTES } from './limits';
import type { WorkerAnswer, WorkerRequest } from './worker-messages';

/** What a worker hands over during its work. */
export type WorkerOutput = Extract<WorkerAnswer, { type: 'info' | 'frame' }>;

const LOOK_EVERY_MS = 20;

interface Work {
  onOutput: (output: WorkerOutput) => void;
  resolve: (isMidGroup: boolean) => void;
  reject: (error: Error) => void;
  deadline: NodeJS.Timeout;
  watch: NodeJS.Timeout;
}

/** A capture worker in a process of its own, because a damaged video may crash a decoder. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #work: Work | undefined;
  #isAlive = true;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;

  /**
   * @param limits.timeoutMs how long one picture, or opening a file, may take before the process is killed
   * @param limits.memoryBytes how much memory it may take meanwhile; Linux only, where that is visible
   */
  constructor(private readonly limits: { timeoutMs: number; memoryBytes: number }) {
    this.#child = fork(childProgram('mpc/capture/capture-worker.ts'), [], {
      // Without the parent's options, such as a TypeScript loader or an inspector port. What a worker allocates is
      // short-lived: a larger nursery only costs 20 MB (bench/README.md).
      execArgv: ['--max-semi-space-size=1'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.exited = new Promise((resolve) => {
      const gone = (how: string) => {
        this.#isAlive = false;
        this.#fail(
          new CaptureError(
            'crashed',
            `the capture worker ended unexpectedly (${how}) while reading the video`,
          ),
        );
        resolve();
      };
      this.#child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => gone(error.message));
    });
    this.#child.on('message', (answer: WorkerAnswer) => this.#receive(answer));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True if it can take a request. */
  get isIdle(): boolean {
    return this.#isAlive && this.#work === undefined;
  }

  /**
   * Runs a request; one at a time. Resolves with the content of `done`.
   * Throws CaptureError; `crashed` and `timed_out` mean that the process is gone.
   */
  run(request: WorkerRequest, onOutput: (output: WorkerOutput) => void): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#timeOut(), this.limits.timeoutMs).unref();
      const watch = setInterval(() => this.#lookAtMemory(), LOOK_EVERY_MS).unref();
      this.#work = { onOutput, resolve, reject, deadline, watch };
      this.#send(request);
    });
  }

  /** Closes a video that is no longer needed. Does nothing if the worker has not opened it. */
  closeVideo(videoId: number): void {
    this.#send({ type: 'close', videoId });
  }

  /** Ends the process at once, whatever it is doing. */
  kill(): void {
    this.#isAlive = false;
    this.#child.kill('SIGKILL');
  }

  #send(request: WorkerRequest): void {
    // A failed write means that the process is ending: its exit gives the reason.
    if (this.#child.connected) this.#child.send(request, () => {});
  }

  #receive(answer: WorkerAnswer): void {
    const work = this.#work;
    if (work === undefined) return;
    if (answer.type === 'failed') {
      this.#fail(new CaptureError(answer.reason, answer.message));
    } else if (answer.type === 'done') {
      this.#finish(work);
      work.resolve(answer.isMidGroup);
    } else {
      work.deadline.refresh();
      work.onOutput(answer);
    }
  }

  #timeOut(): void {
    this.kill();
    const limit = `${this.limits.timeoutMs / 1000} s`;
    this.#fail(new CaptureError('timed_out', `the video gave no picture within ${limit}`));
  }

  #lookAtMemory(): void {
    const { memoryBytes } = this.limits;
    if (this.pid === undefined || residentBytes(this.pid) <= memoryBytes - MEMORY_MARGIN_BYTES) return;
    this.kill();
    const limit = `${Math.round(memoryBytes / 1024 / 1024)} MB`;
    this.#fail(
      new CaptureError('too_large', `reading the video takes more memory than the ${limit} of a worker`),
    );
  }

  #fail(error: Error): void {
    const work = this.#work;
    if (work === undefined) return;
    this.#finish(work);
    work.reject(error);
  }

  #finish(work: Work): void {
    clearTimeout(work.deadline);
    clearInterval(work.watch);
    this.#work = undefined;
  }
}

/** Memory of a process, without swapped pages. 0 if it is gone, or where that is not visible. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
