import { parseBody } from '../function-configuration';
import type { Operation } from '../operation';
import { attachTrigger, latestOfUrn } from '../platform';
import { createTriggerBody, newTrigger } from '../triggers';
import { triggerView } from '../views';

/** Adds a trigger to a function; an API Gateway trigger publishes its API at once. */
export const createTrigger: Operation = {
  method: 'POST',
  path: 'fgs/triggers/{urn}',
  handle(platform, { params, body }) {
    const deployed = latestOfUrn(platform, params.urn ?? '');
    const trigger = newTrigger(parseBody(createTriggerBody, body), platform.behaviour, platform.clock());
    attachTrigger(platform, deployed, trigger);
    return { status: 201, body: triggerView(platform, trigger) };
  },
};
