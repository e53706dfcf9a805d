import * as z from 'zod';
import { invalidDisplayName, invalidName } from '../errors';
import { type Operation, readBody } from '../operation';

const MAX_DISPLAY_NAME_BYTES = 192;

const body = z.object({
  name: z.string().regex(/^[A-Za-z0-9][\w-]{0,254}$/),
  display_name: z.string().refine((text) => Buffer.byteLength(text) <= MAX_DISPLAY_NAME_BYTES),
});

/** Creates a topic. If the name is taken, answers 200 with the existing topic. */
export const createTopic: Operation = {
  on: 'POST /v2/{project_id}/notifications/topics',
  action: 'smn:topic:create',
  run(request, { topics }) {
    const read = readBody(request.body, body, (field) =>
      field === 'display_name' ? invalidDisplayName() : invalidName(),
    );
    const { topic, isNew } = topics.create(read.name, read.display_name);
    return { status: isNew ? 201 : 200, body: { topic_urn: topic.urn } };
  },
};
