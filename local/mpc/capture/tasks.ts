import type { PictureSize } from './picture-size';
import { PointTurns } from './point-turns';
import type { CapturePoint, Frame, VideoInfo, VideoReference, WorkerRequest } from './worker-messages';
import type { WorkerOutput, WorkerProcess } from './worker-process';

/** A job waits if its pictures are made faster than they are accepted, so that they do not pile up. */
const MAX_FRAMES_WAITING = 8;

/** A video that workers have open. */
export class SharedVideo {
  static #lastId = 0;
  readonly id = ++SharedVideo.#lastId;
  /** The worker that has it open while its tasks run. */
  home: WorkerProcess | undefined;
  /** The workers that may have it open. */
  readonly openIn = new Set<WorkerProcess>();

  constructor(readonly filePath: string) {}

  get reference(): VideoReference {
    return { id: this.id, filePath: this.filePath };
  }
}

/** Work on a video, in one turn or several. */
export abstract class Task {
  /** The workers that work on it now. */
  readonly busy = new Set<WorkerProcess>();
  /** True after its first turn. */
  isBegun = false;

  constructor(readonly video: SharedVideo) {}

  /** True if one more worker could help now. */
  abstract get hasTurn(): boolean;
  abstract get isOver(): boolean;
  abstract takeTurn(worker: WorkerProcess): WorkerRequest;
  abstract endTurn(worker: WorkerProcess): void;
  abstract receive(output: WorkerOutput): void;
}

/** Opens a video and reads what its file says about it. */
export class OpenTask extends Task {
  info: VideoInfo | undefined;
  #isTaken = false;

  get hasTurn(): boolean {
    return !this.#isTaken;
  }

  get isOver(): boolean {
    return this.info !== undefined;
  }

  takeTurn(): WorkerRequest {
    this.#isTaken = true;
    return { type: 'open', video: this.video.reference };
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
   * @param handOver hands one picture to the caller; wait for its end before calling it again
   * @param onAccepted is called after each picture that was handed over
   */
  constructor(
    video: SharedVideo,
    private readonly job: { points: readonly CapturePoint[]; size: PictureSize },
    private readonly handOver: (frame: Frame) => Promise<void>,
    private readonly onAccepted: () => void,
  ) {
    super(video);
    this.#turns = new PointTurns(job.points);
  }

  get hasTurn(): boolean {
    return this.#waiting < MAX_FRAMES_WAITING && this.#turns.hasTurn;
  }

  get isOver(): boolean {
    return this.#turns.isOver && this.#waiting === 0;
  }

  takeTurn(worker: WorkerProcess): WorkerRequest {
    const turn = { size: this.job.size, ...this.#turns.take(worker) };
    return { type: 'capture', video: this.video.reference, turn };
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
