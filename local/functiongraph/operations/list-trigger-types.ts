import type { Operation } from '../operation';
import { triggerTypesOf } from '../region';

/** Lists the types of triggers that the region has. */
export const listTriggerTypes: Operation = {
  method: 'GET',
  path: 'fgs/triggertypes',
  handle: ({ behaviour }) => ({ status: 200, body: triggerTypesOf(behaviour) }),
};
