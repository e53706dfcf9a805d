import { DOMAIN_ID } from '../../iam/agencies';
import type { Operation } from '../operation';

/** A function's subscription needs no confirmation. */
const CONFIRMED = 1;

export const listSubscriptionsByTopic: Operation = {
  on: 'GET /v2/{project_id}/notifications/topics/{topic_urn}/subscriptions',
  action: 'smn:subscription:list',
  run({ names: { topic_urn: urn = '' } }, { topics, subscriptionsOf }) {
    topics.get(urn);
    const subscriptions = subscriptionsOf(urn).map(({ id, functionUrn }) => ({
      topic_urn: urn,
      protocol: 'functionstage',
      subscription_urn: `${urn}:${id}`,
      owner: DOMAIN_ID,
      endpoint: functionUrn,
      remark: '',
      status: CONFIRMED,
      filter_polices: [],
    }));
    return { status: 200, body: { subscription_count: subscriptions.length, subscriptions } };
  },
};
