import type { Operation } from '../operation';
import { detachTriggers, latestOfUrn } from '../platform';

/** Deletes all triggers of a function. */
export const deleteTriggers: Operation = {
  method: 'DELETE',
  path: 'fgs/triggers/{urn}',
  handle(platform, { params }) {
    detachTriggers(platform, latestOfUrn(platform, params.urn ?? ''), () => true);
    return { status: 204 };
  },
};
