import type { Operation } from '../operation';
import { ownerOfTriggers, triggersOf } from '../platform';
import { triggerView } from '../views';

export const listTriggers: Operation = {
  method: 'GET',
  path: 'fgs/triggers/{urn}',
  handle: (platform, { params }) => ({
    status: 200,
    body: triggersOf(platform, ownerOfTriggers(platform, params.urn ?? '', 'FSS.0500')).map((trigger) =>
      triggerView(platform, trigger),
    ),
  }),
};
