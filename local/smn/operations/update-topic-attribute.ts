import * as z from 'zod';
import { isAccessPolicy } from '../access-policy';
import { invalidAttribute, invalidPolicy } from '../errors';
import { type Operation, readBody } from '../operation';

const body = z.object({ value: z.string() });

/** Sets who else may use a topic, or its introduction. */
export const updateTopicAttribute: Operation = {
  on: 'PUT /v2/{project_id}/notifications/topics/{topic_urn}/attributes/{name}',
  action: 'smn:topic:updateAttribute',
  run(request, { topics }) {
    const { topic_urn: urn = '', name } = request.names;
    topics.get(urn);
    if (name !== 'access_policy' && name !== 'introduction') throw invalidAttribute();
    const { value } = readBody(request.body, body, invalidPolicy);
    if (name === 'access_policy' && !isAccessPolicy(value)) throw invalidPolicy();
    topics.set(urn, name === 'access_policy' ? { accessPolicy: value } : { introduction: value });
    return { status: 200, body: {} };
  },
};
