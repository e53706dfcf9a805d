import type { Operation } from '../operation';
import { smnTime } from '../operation';

export const listTopicAttributes: Operation = {
  on: 'GET /v2/{project_id}/notifications/topics/{topic_urn}/attributes',
  action: 'smn:topic:listAttributes',
  run({ names: { topic_urn: urn = '' } }, { topics }) {
    const { accessPolicy, introduction, createdMs, updatedMs } = topics.get(urn);
    return {
      status: 200,
      body: {
        attributes: {
          access_policy: accessPolicy,
          introduction,
          create_time: smnTime(createdMs),
          update_time: smnTime(updatedMs),
        },
      },
    };
  },
};
