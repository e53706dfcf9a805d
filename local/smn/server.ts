import type { Server } from 'node:http';
import { createSignedServer, type SignedServerOptions } from '../signed-server';
import { noPermission, wrongProject } from './errors';
import type { Operation, Service } from './operation';
import { createTopic } from './operations/create-topic';
import { deleteTopic } from './operations/delete-topic';
import { listSubscriptionsByTopic } from './operations/list-subscriptions-by-topic';
import { listTopicAttributes } from './operations/list-topic-attributes';
import { listTopics } from './operations/list-topics';
import { publishMessage } from './operations/publish-message';
import { updateTopicAttribute } from './operations/update-topic-attribute';

const OPERATIONS: readonly Operation[] = [
  createTopic,
  listTopics,
  deleteTopic,
  listTopicAttributes,
  updateTopicAttribute,
  publishMessage,
  listSubscriptionsByTopic,
];

/** Paths of SMN, at an address that several services share. */
export const SMN_PATHS = /^\/v2\/[^/]+\/notifications\/topics([/?]|$)/;

/** Simple Message Notification v2: topics whose messages go to functions. Not yet listening. */
export function createSmn({ topics, subscriptionsOf, ...options }: SignedServerOptions & Service): Server {
  return createSignedServer({
    ...options,
    name: 'SMN',
    service: { topics, subscriptionsOf },
    operations: OPERATIONS,
    forbidden: noPermission,
    wrongProject,
    saysRequestId: true,
  });
}
