import * as z from 'zod/mini';
import { parseJson, text, textOrNumber } from '../core/schema';
import { TASK_ID } from '../validation';

/** The fields of an SMN trigger's event that are used (FunctionGraph developer guide, "SMN event source"). */
const SmnEvent = z.object({ record: z.array(z.unknown()) });
const SmnRecord = z.object({ smn: z.object({ message: text }) });
/** MPC's message about a snapshot task. Only the task id is read: the rest comes from MPC's list, which cannot be forged. */
const Message = z.object({ event_type: text, thumbnail_info: z.object({ task_id: textOrNumber }) });

/**
 * The task ids in MPC's notifications. They are only a hint: anybody who may publish to the topic can send them.
 * @returns undefined when the event is not from SMN
 */
export function readTaskNotifications(event: unknown): string[] | undefined {
  const parsed = z.safeParse(SmnEvent, event);
  if (!parsed.success) return undefined;
  const ids = parsed.data.record.flatMap((item) => {
    const record = z.safeParse(SmnRecord, item);
    if (!record.success) return [];
    const message = z.safeParse(Message, parseJson(record.data.smn.message));
    if (!message.success || message.data.event_type !== 'ThumbnailComplete') return [];
    const id = String(message.data.thumbnail_info.task_id);
    return TASK_ID.test(id) ? [id] : [];
  });
  return [...new Set(ids)];
}
