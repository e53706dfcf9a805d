import { NOTIFICATION_EVENTS } from '../notifications';
import type { Operation } from '../operation';

/** `GET /v1/{project_id}/notification/event`: the events that MPC can report. */
export const listNotifyEvent: Operation = () => ({
  status: 200,
  body: { event_name: [...NOTIFICATION_EVENTS], total: NOTIFICATION_EVENTS.length },
});
