import { FunctionGraphError } from '../errors';
import type { Operation } from '../operation';
import { detachTriggers, ownerOfTriggers, triggersOf } from '../platform';
import type { Trigger } from '../triggers';

/** Deletes one trigger. An EventGrid trigger leaves its subscription behind. */
export const deleteTrigger: Operation = {
  method: 'DELETE',
  path: 'fgs/triggers/{urn}/{type}/{id}',
  handle(platform, { params }) {
    const { urn = '', type, id } = params;
    const deployed = ownerOfTriggers(platform, urn, 'FSS.0401');
    const wanted = (trigger: Trigger) => trigger.type === type && trigger.id === id;
    if (!triggersOf(platform, deployed).some(wanted)) {
      throw new FunctionGraphError('FSS.1131', `function ${deployed.name} has no ${type} trigger "${id}"`);
    }
    detachTriggers(platform, deployed, wanted);
    return { status: 204 };
  },
};
