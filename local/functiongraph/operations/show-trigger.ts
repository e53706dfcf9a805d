import type { Operation } from '../operation';
import { triggerOf } from '../platform';
import { triggerView } from '../views';

export const showTrigger: Operation = {
  method: 'GET',
  path: 'fgs/triggers/{urn}/{type}/{id}',
  handle(platform, { params }) {
    const { urn = '', type = '', id = '' } = params;
    return { status: 200, body: triggerView(platform, triggerOf(platform, urn, type, id).trigger) };
  },
};
