import type { Operation } from '../operation';

export const deleteLogGroup: Operation = {
  on: 'DELETE /v2/{project_id}/groups/{log_group_id}',
  action: 'lts:groups:delete',
  run({ names }, { logs }) {
    logs.deleteGroup(names.log_group_id ?? '');
    return { status: 204 };
  },
};
