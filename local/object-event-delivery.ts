import type { Faults } from './faults/faults';
import type { FunctionGraph } from './functiongraph/functiongraph';
import { matchesObjectEvent } from './functiongraph/triggers';
import { newRequestId } from './http-server';
import type { ObjectEvent, ObjectStore } from './obs/object-store';

/** An event of OBS that a trigger wants, and how far it got. */
export interface EventTrace {
  /** Unique among the events of one cloud. */
  id: string;
  event: ObjectEvent;
  /** Names of the faults that hit it. */
  faults: readonly string[];
  /** One for each time that the event reached a function. */
  deliveries: readonly { requestId: string; isReplay: boolean }[];
}

export interface ObjectEventDeliveryOptions {
  store: ObjectStore;
  functiongraph: Pick<FunctionGraph, 'functions' | 'deliverObjectEvent'>;
  faults: Pick<Faults, 'deliver'>;
}

/** Delivers the events of OBS to the triggers of functions, subject to the faults, and reports where each event is. */
export class ObjectEventDelivery {
  readonly #options: ObjectEventDeliveryOptions;
  readonly #listeners = new Set<(trace: EventTrace) => void>();
  readonly #stop: () => void;

  constructor(options: ObjectEventDeliveryOptions) {
    this.#options = options;
    this.#stop = options.store.onObjectEvent((event) => this.#deliver(event));
  }

  /** Reports every change of a trace. @returns a function that ends this */
  onTrace(listener: (trace: EventTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Delivers an event once more, without faults.
   * @returns request ids of the invocations; none if no trigger wants the event any more
   */
  again(trace: EventTrace): string[] {
    const requestIds = this.#options.functiongraph.deliverObjectEvent(trace.event);
    this.#reached(trace, requestIds, true);
    return requestIds;
  }

  /**
   * The event of an existing object, as OBS would send it if the object were written now. Undefined if there is no such
   * object.
   */
  eventOf(bucket: string, key: string): EventTrace | undefined {
    const object = this.#options.store.head(bucket, key);
    if (object === undefined) return undefined;
    const requestId = newRequestId();
    const event: ObjectEvent = {
      eventName: 'ObjectCreated:Put',
      bucket,
      key,
      sizeBytes: object.sizeBytes,
      etag: object.etag,
      sequencer: requestId.toUpperCase(),
      timeMs: Date.now(),
      requestId,
      sourceIp: '127.0.0.1',
    };
    return { id: requestId, event, faults: [], deliveries: [] };
  }

  /** True if a trigger wants the event. */
  isWanted(event: ObjectEvent): boolean {
    return this.#options.functiongraph
      .functions()
      .some(({ triggers }) =>
        triggers.some(
          (trigger) =>
            (trigger.type === 'OBS' || trigger.type === 'EVENTGRID') && matchesObjectEvent(trigger, event),
        ),
      );
  }

  close(): void {
    this.#stop();
    this.#listeners.clear();
  }

  #deliver(event: ObjectEvent): void {
    // An event that no trigger wants cannot get lost.
    if (!this.isWanted(event)) return;
    const { functiongraph, faults } = this.#options;
    const trace: EventTrace = { id: event.sequencer, event, faults: [], deliveries: [] };
    const what = `${event.eventName} ${event.bucket}/${event.key}`;
    trace.faults = faults.deliver(what, () =>
      this.#reached(trace, functiongraph.deliverObjectEvent(event), false),
    );
    this.#tell(trace);
  }

  #reached(trace: EventTrace, requestIds: readonly string[], isReplay: boolean): void {
    trace.deliveries = [...trace.deliveries, ...requestIds.map((requestId) => ({ requestId, isReplay }))];
    this.#tell(trace);
  }

  #tell(trace: EventTrace): void {
    for (const listener of this.#listeners) listener(trace);
  }
}
