import type { CapturePoint, IndexedPoint } from './worker-messages';

/** Points that a job may have captured before another job gets its turn. */
export const POINTS_PER_TURN = 4;
/** From so many points on, two workers share them: below, the second one would mostly decode what the first one has. */
const SHARED_FROM_POINTS = 8;

/** A stretch of the video that one worker goes through from left to right. */
interface Part {
  left: IndexedPoint[];
  inHand: number;
  worker: unknown;
}

/** Cuts the points of one job into turns for the workers. */
export class PointTurns {
  readonly #parts: Part[];

  constructor(points: readonly CapturePoint[]) {
    const left = points.map((point, index) => ({ index, point }));
    left.sort((one, other) => timeOf(one.point) - timeOf(other.point) || one.index - other.index);
    this.#parts = left.length > 0 ? [{ left, inHand: 0, worker: undefined }] : [];
  }

  /** True when one more worker could help. */
  get hasTurn(): boolean {
    return this.#parts.some((part) => part.inHand === 0 || isWorthSharing(part));
  }

  /** True when all points were captured. */
  get isOver(): boolean {
    return this.#parts.length === 0;
  }

  /**
   * The next points for a worker: where it was before, else a stretch that nobody works at, else half of the longest one. With the
   * point that comes after them.
   */
  take(worker: unknown): { points: IndexedPoint[]; nextPoint: CapturePoint | undefined } {
    const free = this.#parts.filter((part) => part.inHand === 0);
    const part = free.find((candidate) => candidate.worker === worker) ?? free[0] ?? this.#share();
    part.worker = worker;
    const points = part.left.splice(0, POINTS_PER_TURN);
    part.inHand = points.length;
    return { points, nextPoint: part.left[0]?.point };
  }

  /** The worker has captured the points of its turn. */
  done(worker: unknown): void {
    const part = this.#parts.find((candidate) => candidate.inHand > 0 && candidate.worker === worker);
    if (part === undefined) return;
    part.inHand = 0;
    if (part.left.length === 0) this.#parts.splice(this.#parts.indexOf(part), 1);
  }

  #share(): Part {
    const longest = this.#parts.reduce((one, other) => (other.left.length > one.left.length ? other : one));
    const keep = Math.ceil((longest.left.length + longest.inHand) / 2) - longest.inHand;
    const part: Part = { left: longest.left.splice(Math.max(0, keep)), inHand: 0, worker: undefined };
    this.#parts.push(part);
    return part;
  }
}

function isWorthSharing(part: Part): boolean {
  return part.left.length > 0 && part.left.length + part.inHand >= SHARED_FROM_POINTS;
}

function timeOf(point: CapturePoint): number {
  return point === 'last' ? Number.MAX_VALUE : point;
}
