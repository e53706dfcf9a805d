import { FunctionGraphError } from '../errors';
import type { Operation } from '../operation';
import { detachTriggers, latestOfUrn } from '../platform';
import type { Trigger } from '../triggers';

/** Deletes one trigger. */
export const deleteTrigger: Operation = {
  method: 'DELETE',
  path: 'fgs/triggers/{urn}/{type}/{id}',
  handle(platform, { params }) {
    const { urn = '', type, id } = params;
    const deployed = latestOfUrn(platform, urn);
    const wanted = (trigger: Trigger) => trigger.type === type && trigger.id === id;
    if (!deployed.triggers.some(wanted)) {
      throw new FunctionGraphError('FSS.1131', `function ${deployed.name} has no ${type} trigger "${id}"`);
    }
    detachTriggers(platform, deployed, wanted);
    return { status: 204 };
  },
};
