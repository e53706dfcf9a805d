import * as z from 'zod';
import { parseJson } from '../../parse-json';
import { invalidContentType, invalidParameter } from '../errors';
import { NOTIFICATION_EVENTS } from '../notifications';
import type { Operation } from '../operation';

const body = z.object({
  notifications: z
    .array(
      z.object({
        event_name: z.enum(NOTIFICATION_EVENTS),
        status: z.enum(['on', 'off']),
        topic: z.string().min(1).max(1024),
        msg_type: z.int().min(0).max(3),
      }),
    )
    .min(1),
});

/** `PUT /v1/{project_id}/notification`: sets the topics of events. Other events keep their settings. */
export const notifySmnTopicConfig: Operation = ({ contentType, body: sent }, { notifications }) => {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) throw invalidContentType(contentType);
  const parsed = body.safeParse(parseJson(sent.toString('utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidParameter(`${issue?.path.join('.') || 'the body'} ${issue?.message}`);
  }
  notifications.set(parsed.data.notifications);
  return { status: 204 };
};
