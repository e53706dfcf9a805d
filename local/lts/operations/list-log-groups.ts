import type { Operation } from '../operation';

export const listLogGroups: Operation = {
  on: 'GET /v2/{project_id}/groups',
  action: 'lts:groups:list',
  run: (_, { logs }) => ({
    status: 200,
    body: {
      log_groups: logs.groups().map(({ id, name, createdMs, ttlDays, tags }) => ({
        creation_time: createdMs,
        log_group_name: name,
        log_group_id: id,
        ttl_in_days: ttlDays,
        tag: tags,
      })),
    },
  }),
};
