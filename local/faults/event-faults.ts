import type { Dice } from './dice';
import type { FaultName } from './parse-faults';
import type { Timeouts } from './timeouts';

const MAX_DELAY_MS = 5_000;
/** The second copy follows the first within this time. */
const MAX_DISTANCE_MS = 2_000;
/** An event that is to come after the next one waits at most this long for it. */
const MAX_WAIT_FOR_NEXT_MS = 1_000;

export interface EventFaultsOptions {
  /** Decides whether a fault hits this event. */
  hits: (fault: FaultName, what: string) => boolean;
  dice: Dice;
  timeouts: Timeouts;
}

/** The path of events to the functions. Some arrive twice, late, out of order, or never. */
export class EventFaults {
  readonly #options: EventFaultsOptions;
  readonly #held = new Set<() => void>();

  constructor(options: EventFaultsOptions) {
    this.#options = options;
  }

  /**
   * @param what names the event in the list of faults
   * @returns which faults hit it
   */
  deliver(what: string, send: () => void): FaultName[] {
    const { hits, dice, timeouts } = this.#options;
    // All faults are rolled, so that none shifts the decisions of another one.
    const hit = (['drop', 'duplicate', 'reorder', 'delay'] as const).filter((name) => hits(name, what));
    if (hit.includes('drop')) return ['drop'];
    if (hit.includes('duplicate')) timeouts.later(dice.roll('duplicate: distance') * MAX_DISTANCE_MS, send);
    if (hit.includes('reorder')) this.#hold(send);
    else if (hit.includes('delay')) timeouts.later(dice.roll('delay: time') * MAX_DELAY_MS, send);
    else {
      send();
      for (const release of [...this.#held]) release();
    }
    return hit;
  }

  /**
   * The path of a topic's message to its subscribers. Topics promise no order anyway.
   * @returns which faults hit it
   */
  deliverMessage(what: string, send: () => void): FaultName[] {
    const { hits, dice, timeouts } = this.#options;
    const faults = ['smn.drop', 'smn.duplicate', 'smn.delay'] as const;
    const hit = faults.filter((name) => hits(name, what));
    if (hit.includes('smn.drop')) return ['smn.drop'];
    if (hit.includes('smn.duplicate')) {
      timeouts.later(dice.roll('smn.duplicate: distance') * MAX_DISTANCE_MS, send);
    }
    if (hit.includes('smn.delay')) timeouts.later(dice.roll('smn.delay: time') * MAX_DELAY_MS, send);
    else send();
    return hit;
  }

  #hold(send: () => void): void {
    const release = () => {
      if (this.#held.delete(release)) send();
    };
    this.#held.add(release);
    this.#options.timeouts.later(MAX_WAIT_FOR_NEXT_MS, release);
  }
}
