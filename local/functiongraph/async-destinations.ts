import { type Destination, destinationFor } from './async-invoke-configuration';
import type { Request } from './executor';
import type { Outcome } from './invocation';
import { zonedTime } from './trigger-events';

/** The largest result in a notification. The payload of a larger one stays empty. */
const MAX_RESPONSE_PAYLOAD_BYTES = 256 * 1024;

/**
 * The end of an asynchronous event: its last attempt, or its discarding because no instance was free or it was too old.
 */
export interface AsyncEnd {
  request: Request;
  /** The last attempt, counted from 1. */
  attempt: number;
  /** When that attempt started, or the event was discarded. */
  timeMs: number;
  outcome: Outcome | 'throttled' | 'expired';
}

/** The fate of the notification about one asynchronous event. */
export interface Delivery {
  requestId: string;
  functionName: string;
  type: Destination['type'];
  /** URN, or bucket and key. */
  target: string;
  /** Why it did not arrive. Absent if it did. */
  failure?: string;
}

export interface DestinationsOptions {
  timeZone: string;
  /** Hands a notification to the function of this URN. Throws if the function cannot take it. */
  invoke: (urn: string, event: string) => void;
  /** Writes an object to OBS. Undefined if there is no OBS. */
  putObject: ((bucket: string, key: string, body: string) => Promise<void>) | undefined;
  onDelivery: ((delivery: Delivery) => void) | undefined;
}

/** Notifies the configured destination of the end of an asynchronous event. Never fails. */
export async function notifyDestination(end: AsyncEnd, options: DestinationsOptions): Promise<void> {
  const { deployed, requestId } = end.request;
  const failed = typeof end.outcome === 'string' || end.outcome.isError;
  const destination = destinationFor(deployed.asyncInvoke, failed ? 'on_failure' : 'on_success');
  if (destination === undefined) return;
  const message = JSON.stringify(notification(end, options.timeZone));
  const delivery = {
    requestId,
    functionName: deployed.name,
    type: destination.type,
    target: targetOf(destination, requestId),
  };
  try {
    const { xrole } = deployed.configuration;
    if (!xrole) throw new Error('the function has no agency (xrole) that may reach the destination');
    await deliver(destination, delivery.target, message, options);
    options.onDelivery?.(delivery);
  } catch (error) {
    options.onDelivery?.({ ...delivery, failure: (error as Error).message });
  }
}

async function deliver(
  destination: Destination,
  target: string,
  message: string,
  options: DestinationsOptions,
): Promise<void> {
  switch (destination.type) {
    case 'FunctionGraph':
      options.invoke(target, message);
      return;
    case 'OBS': {
      if (options.putObject === undefined) throw new Error('FunctionGraph runs without OBS');
      const { bucket } = destination.param;
      await options.putObject(bucket, target.slice(bucket.length + 1), message);
      return;
    }
    default:
      throw new Error(`the local cloud has no ${destination.type}`);
  }
}

/** The name of the object in OBS is undocumented. */
function targetOf(destination: Destination, requestId: string): string {
  switch (destination.type) {
    case 'FunctionGraph':
      return destination.param.func_urn;
    case 'OBS': {
      const { bucket, prefix } = destination.param;
      const folder = prefix.replace(/^\/+|\/+$/g, '');
      return [bucket, folder, `${requestId}.json`].filter((part) => part !== '').join('/');
    }
    case 'SMN':
      return destination.param.topic_urn;
    case 'DIS':
      return destination.param.stream_name;
  }
}

/**
 * The message, as captured from a function that failed, and as documented for one that succeeded. Both payloads are
 * texts. The count is 0 if there was no retry.
 */
function notification({ request, attempt, timeMs, outcome }: AsyncEnd, timeZone: string) {
  const { requestId, deployed, event } = request;
  const ended = typeof outcome === 'string' ? DISCARDED[outcome] : endOf(outcome);
  return {
    timestamp: zonedTime(timeMs, timeZone, 'nanoseconds'),
    request_context: {
      request_id: requestId,
      function_urn: deployed.urn,
      condition: ended.condition,
      approximate_invoke_count: attempt - 1,
    },
    request_payload: event,
    response_context: { status_code: ended.status, function_error: '' },
    response_payload: ended.body,
  };
}

/** What the message says about an event that no instance ran. The entry for an expired event is a guess. */
const DISCARDED = {
  throttled: { condition: 'TooManyRequests', status: 429, body: '' },
  expired: { condition: 'EventAgeExceeded', status: 408, body: '' },
};

function endOf({ isError, body }: Outcome): { condition: string; status: number; body: string } {
  if (isError) return { condition: 'UnhandledInvocationError', status: 500, body };
  const fits = Buffer.byteLength(body) <= MAX_RESPONSE_PAYLOAD_BYTES;
  return { condition: '', status: 200, body: fits ? body : '' };
}
