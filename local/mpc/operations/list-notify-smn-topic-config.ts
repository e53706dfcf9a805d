import type { Operation } from '../operation';

/** `GET /v1/{project_id}/notification`: the settings, for the whole project. */
export const listNotifySmnTopicConfig: Operation = (_, { notifications }) => {
  const list = notifications.list();
  return { status: 200, body: { notifications: list, total: list.length } };
};
