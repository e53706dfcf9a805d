import type { Notification } from './journal-entry';
import type { ObjectEvent } from './object-event';

/** Runs the functions that notifications name. */
export interface FunctionTarget {
  /** Whether this function exists. A URN without a version means the latest. */
  has(functionUrn: string): boolean;
  /** Takes an event for a function and returns at once. It may throw if the function no longer exists. */
  invoke(functionUrn: string, event: unknown): void;
}

/** True if the notification wants this event. */
export function wantsEvent({ events, prefix, suffix }: Notification, event: ObjectEvent): boolean {
  const [family] = event.eventName.split(':');
  return (
    event.key.startsWith(prefix) &&
    event.key.endsWith(suffix) &&
    events.some((name) => name === event.eventName || name === `${family}:*`)
  );
}

/** True if some key can pass both filters: one prefix begins with the other, and one suffix ends with the other. */
export function filtersOverlap(one: Notification, other: Notification): boolean {
  return (
    (one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)) &&
    (one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix))
  );
}
