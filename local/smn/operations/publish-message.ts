import * as z from 'zod';
import { invalidMessage } from '../errors';
import { type Operation, readBody } from '../operation';

/** SMN API reference, publishing a message: at most 256 KB in UTF-8, a subject of at most 512 bytes. */
const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_SUBJECT_BYTES = 512;

const text = (maxBytes: number) => z.string().refine((value) => Buffer.byteLength(value) <= maxBytes);
const body = z.object({
  subject: text(MAX_SUBJECT_BYTES).optional(),
  message: text(MAX_MESSAGE_BYTES).min(1),
});

/** Publishes one text to all subscribers. Templates and messages per protocol do not exist here. */
export const publishMessage: Operation = {
  on: 'POST /v2/{project_id}/notifications/topics/{topic_urn}/publish',
  action: 'smn:topic:publish',
  run(request, { topics }) {
    const { topic_urn: urn = '' } = request.names;
    topics.get(urn);
    const { message, subject } = readBody(request.body, body, invalidMessage);
    return { status: 200, body: { message_id: topics.publish(urn, message, subject ?? null) } };
  },
};
