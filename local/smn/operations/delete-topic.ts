import type { Operation } from '../operation';

export const deleteTopic: Operation = {
  on: 'DELETE /v2/{project_id}/notifications/topics/{topic_urn}',
  action: 'smn:topic:delete',
  run({ names: { topic_urn: urn = '' } }, { topics }) {
    topics.delete(urn);
    return { status: 200, body: {} };
  },
};
