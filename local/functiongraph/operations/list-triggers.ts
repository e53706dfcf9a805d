import type { Operation } from '../operation';
import { latestOfUrn } from '../platform';
import { triggerView } from '../views';

/** Lists the triggers of a function. */
export const listTriggers: Operation = {
  method: 'GET',
  path: 'fgs/triggers/{urn}',
  handle: (platform, { params }) => ({
    status: 200,
    body: latestOfUrn(platform, params.urn ?? '').triggers.map((trigger) => triggerView(platform, trigger)),
  }),
};
