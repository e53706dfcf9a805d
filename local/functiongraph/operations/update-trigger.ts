import * as z from 'zod';
import { FunctionGraphError } from '../errors';
import { parseBody } from '../function-configuration';
import type { Operation } from '../operation';
import { setTimerStatus, triggerOf } from '../platform';
import { refuseStatus } from '../triggers';
import { triggerView } from '../views';

const updateTriggerBody = z.object({
  trigger_status: z.enum(['ACTIVE', 'DISABLED']).optional(),
  event_data: z.unknown().optional(),
});

/** Enables or disables a timer. Nothing else of a trigger can change: it must be deleted and created again. */
export const updateTrigger: Operation = {
  method: 'PUT',
  path: 'fgs/triggers/{urn}/{type}/{id}',
  handle(platform, { params, body }) {
    const { urn = '', type = '', id = '' } = params;
    const { deployed, trigger } = triggerOf(platform, urn, type, id);
    const { trigger_status: status, event_data: eventData } = parseBody(updateTriggerBody, body);
    if (isFilled(eventData)) {
      throw new FunctionGraphError(
        'FSS.0400',
        `event_data of a ${type} trigger cannot change: delete the trigger and create it again`,
      );
    }
    if (status !== undefined) {
      if (trigger.type !== 'TIMER') throw refuseStatus(trigger.type);
      setTimerStatus(platform, deployed, trigger, status);
    }
    return { status: 200, body: triggerView(platform, trigger) };
  },
};

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
