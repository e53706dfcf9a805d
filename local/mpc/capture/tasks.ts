import type { PictureSize } from './picture-size';
import { POINTS_PER_TURN, PointTurns } from './point-turns';
import type { CapturePoint, Frame, VideoInfo, WorkerRequest } from './worker-messages';
import type { WorkerOutput, WorkerProcess } from './worker-process';

/** A job whose pictures are made faster than they are accepted waits, instead of piling them up. */
const MAX_FRAMES_WAITING = 2 * POINTS_PER_TURN;

/** Something that workers do in one turn or several. */
export abstract class Task {
  static #lastId = 0;
  readonly id = ++Task.#lastId;
  /** The workers that are at it. */
  readonly busy = new Set<WorkerProcess>();
  /** The workers that have its video open. */
  readonly known = new Set<WorkerProcess>();

  /** True when one more worker could help now. */
  abstract get hasTurn(): boolean;
  abstract get isOver(): boolean;
  abstract takeTurn(worker: WorkerProcess): WorkerRequest;
  abstract endTurn(worker: WorkerProcess): void;
  abstract receive(output: WorkerOutput): void;
}

/** Reads what a file says about its video. */
export class ProbeTask extends Task {
  info: VideoInfo | undefined;
  #isTaken = false;

  constructor(private readonly filePath: string) {
    super();
  }

  get hasTurn(): boolean {
    return !this.#isTaken;
  }

  get isOver(): boolean {
    return this.info !== undefined;
  }

  takeTurn(): WorkerRequest {
    this.#isTaken = true;
    return { type: 'probe', filePath: this.filePath };
  }

  endTurn(): void {}

  receive(output: WorkerOutput): void {
    if (output.type === 'info') this.info = output.info;
  }
}

/** Takes pictures of a video. */
export class CaptureTask extends Task {
  readonly #turns: PointTurns;
  #waiting = 0;
  #handedOver: Promise<void> = Promise.resolve();

  /**
   * @param handOver gives one picture to the caller; it may not be called again before it is done
   * @param onAccepted is called after each picture that was handed over
   */
  constructor(
    private readonly job: { filePath: string; points: readonly CapturePoint[]; size: PictureSize },
    private readonly handOver: (frame: Frame) => Promise<void>,
    private readonly onAccepted: () => void,
  ) {
    super();
    this.#turns = new PointTurns(job.points);
  }

  get hasTurn(): boolean {
    return this.#waiting < MAX_FRAMES_WAITING && this.#turns.hasTurn;
  }

  get isOver(): boolean {
    return this.#turns.isOver && this.#waiting === 0;
  }

  takeTurn(worker: WorkerProcess): WorkerRequest {
    const { filePath, size } = this.job;
    return { type: 'capture', jobId: this.id, filePath, size, points: this.#turns.take(worker) };
  }

  endTurn(worker: WorkerProcess): void {
    this.#turns.done(worker);
  }

  receive(output: WorkerOutput): void {
    if (output.type !== 'frame') return;
    this.#waiting++;
    this.#handedOver = this.#handedOver.then(async () => {
      await this.handOver(output.frame);
      this.#waiting--;
      this.onAccepted();
    });
  }
}
