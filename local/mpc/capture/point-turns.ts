import type { CapturePoint, IndexedPoint } from './worker-messages';

/** From this distance on a second worker helps. Below it, both workers would decode the same group of pictures. */
const SHARED_FROM_MS = 2000;

/** A part of the video that one worker goes through in the order of time. */
interface Part {
  left: IndexedPoint[];
  /** The point that the worker captures now. */
  inHand?: IndexedPoint | undefined;
  worker?: unknown;
}

/** Distributes the points of one job among workers, one point per turn. */
export class PointTurns {
  readonly #parts: Part[];

  constructor(points: readonly CapturePoint[]) {
    const left = points.map((point, index) => ({ index, point }));
    left.sort((one, other) => timeOf(one) - timeOf(other) || one.index - other.index);
    this.#parts = left.length > 0 ? [{ left }] : [];
  }

  /** True if one more worker could help. */
  get hasTurn(): boolean {
    return this.#parts.some((part) => part.inHand === undefined || isWorthSharing(part));
  }

  /** True if all points were captured. */
  get isOver(): boolean {
    return this.#parts.length === 0;
  }

  /**
   * The next point for a worker, with the point after it. The worker continues its own part, else takes a part that no
   * worker has, else half of the longest one.
   */
  take(worker: unknown): { point: IndexedPoint; nextPoint: CapturePoint | undefined } {
    const free = this.#parts.filter((part) => part.inHand === undefined);
    const part = free.find((candidate) => candidate.worker === worker) ?? free[0] ?? this.#share();
    const point = part.left.shift();
    if (point === undefined) throw new Error('there is no point left');
    part.inHand = point;
    part.worker = worker;
    return { point, nextPoint: part.left[0]?.point };
  }

  /** Reports that the worker has captured its point. */
  done(worker: unknown): void {
    const part = this.#parts.find(
      (candidate) => candidate.inHand !== undefined && candidate.worker === worker,
    );
    if (part === undefined) return;
    part.inHand = undefined;
    if (part.left.length === 0) this.#parts.splice(this.#parts.indexOf(part), 1);
  }

  #share(): Part {
    const [longest] = this.#parts
      .filter(isWorthSharing)
      .sort((one, other) => other.left.length - one.left.length);
    if (longest === undefined) throw new Error('there is no point left');
    const part = { left: longest.left.splice(longest.left.length >> 1) };
    this.#parts.push(part);
    return part;
  }
}

function isWorthSharing({ left, inHand }: Part): boolean {
  const [last] = left.slice(-1);
  return last !== undefined && timeOf(last) - (inHand === undefined ? 0 : timeOf(inHand)) >= SHARED_FROM_MS;
}

function timeOf({ point }: IndexedPoint): number {
  return point === 'last' ? Number.MAX_VALUE : point;
}
