import type { Operation } from '../operation';
import { detachTriggers, ownerOfTriggers } from '../platform';

export const deleteTriggers: Operation = {
  method: 'DELETE',
  path: 'fgs/triggers/{urn}',
  handle(platform, { params }) {
    detachTriggers(platform, ownerOfTriggers(platform, params.urn ?? '', 'FSS.0401'), () => true);
    return { status: 204 };
  },
};
