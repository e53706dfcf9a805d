import type { EventTrace } from '../../../local/object-event-delivery';
import { type Delivery, type Invocation, LIMITS, type ObjectEvent } from '../../server/console-api';
import { Recent } from '../../server/recent';

interface LoggedEvent {
  trace: EventTrace;
  /** By request id; what was delivered keeps its state when its invocation is long forgotten. */
  deliveries: Map<string, Delivery>;
}

/** The last events of OBS and what became of their deliveries. */
export class ObjectEventLog {
  readonly #events = new Recent<LoggedEvent>(LIMITS.events);
  readonly #eventOfRequest = new Recent<string>(2 * LIMITS.events);
  readonly #invocationOf: (requestId: string) => Invocation | undefined;

  /** @param invocationOf an invocation as far as it is known */
  constructor(invocationOf: (requestId: string) => Invocation | undefined) {
    this.#invocationOf = invocationOf;
  }

  /** Takes down how far an event got. */
  record(trace: EventTrace): void {
    const logged = this.#events.get(trace.id) ?? { trace, deliveries: new Map() };
    this.#events.set(trace.id, logged);
    for (const { requestId, isReplay } of trace.deliveries) {
      if (logged.deliveries.has(requestId)) continue;
      const invocation = this.#invocationOf(requestId);
      if (invocation === undefined) continue;
      this.#eventOfRequest.set(requestId, trace.id);
      logged.deliveries.set(requestId, deliveryOf(invocation, isReplay));
    }
  }

  /** Follows an invocation; returns the event of which it is a delivery. */
  follow(requestId: string): string | undefined {
    const id = this.#eventOfRequest.get(requestId);
    const deliveries = id === undefined ? undefined : this.#events.get(id)?.deliveries;
    const known = deliveries?.get(requestId);
    const invocation = this.#invocationOf(requestId);
    if (deliveries === undefined || known === undefined || invocation === undefined) return undefined;
    deliveries.set(requestId, deliveryOf(invocation, known.isReplay));
    return id;
  }

  trace(id: string): EventTrace | undefined {
    return this.#events.get(id)?.trace;
  }

  /** Newest first. */
  list(): ObjectEvent[] {
    return this.#events.list().map(view);
  }

  view(id: string): ObjectEvent | undefined {
    const logged = this.#events.get(id);
    return logged && view(logged);
  }
}

function deliveryOf(invocation: Invocation, isReplay: boolean): Delivery {
  const { requestId, functionName, state, acceptedAtMs, attempts } = invocation;
  return {
    requestId,
    functionName,
    state,
    attempt: attempts.at(-1)?.number ?? 1,
    timeMs: acceptedAtMs,
    isReplay,
  };
}

function view({ trace: { id, event, faults }, deliveries }: LoggedEvent): ObjectEvent {
  const { eventName: name, bucket, key, timeMs } = event;
  return { id, name, bucket, key, timeMs, faults: [...faults], deliveries: [...deliveries.values()] };
}
