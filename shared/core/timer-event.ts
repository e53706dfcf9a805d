import * as z from 'zod/mini';
import { oneOf, optionalText, parseJson } from './schema';

const TimerEvent = z.object({ trigger_type: oneOf('TIMER'), user_event: optionalText });

/**
 * Reads the event of a TIMER trigger (FunctionGraph developer guide, "Timer event source").
 * @returns the JSON object in its `user_event`, empty when there is none; undefined for any other event
 */
export function readTimerEvent(event: unknown): Readonly<Record<string, unknown>> | undefined {
  const { data } = z.safeParse(TimerEvent, event);
  return data && Object(parseJson(data.user_event ?? ''));
}
