import { randomUUID } from 'node:crypto';

/** A message of a topic, as SMN sends it to subscribers. */
export interface TopicMessage {
  id: string;
  topicUrn: string;
  subject: string | null;
  message: string;
  publishedMs: number;
}

/** The event of an SMN trigger (FunctionGraph user guide, sample events). `message` is always a string. */
export function topicEvent(
  { id, topicUrn, subject, message, publishedMs }: TopicMessage,
  functionName: string,
  functionUrn: string,
  nowMs: number,
): unknown {
  return {
    record: [
      {
        event_version: '1.0',
        smn: {
          topic_urn: topicUrn,
          timestamp: `${new Date(publishedMs).toISOString().slice(0, 19)}Z`,
          message_attributes: null,
          message,
          type: 'notification',
          message_id: id,
          subject,
        },
        event_subscription_urn: functionUrn,
        event_source: 'smn',
      },
    ],
    functionname: functionName,
    requestId: randomUUID(),
    timestamp: new Date(nowMs).toString(),
  };
}

/** The event of a timer trigger (FunctionGraph user guide, sample events). `user_event` is always a string. */
export function timerEvent(
  triggerName: string,
  userEvent: string,
  timeMs: number,
  timeZone: string,
): unknown {
  return {
    version: 'v2.0',
    time: zonedTime(timeMs, timeZone),
    trigger_type: 'TIMER',
    trigger_name: triggerName,
    user_event: userEvent,
  };
}

/** Local time with its offset, for example `2026-06-01T08:30:00+08:00` or `2025-07-28T11:47:56.893440057+02:00`. */
export function zonedTime(
  timeMs: number,
  timeZone: string,
  precision: 'seconds' | 'nanoseconds' = 'seconds',
): string {
  const name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(timeMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign = '+', hours = '00', minutes = '00'] = /^GMT([+-])(\d\d):(\d\d)$/.exec(name ?? '') ?? [];
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  const local = new Date(timeMs + offsetMs).toISOString();
  const digits = precision === 'seconds' ? local.slice(0, 19) : `${local.slice(0, 23)}000000`;
  return `${digits}${sign}${hours}:${minutes}`;
}
