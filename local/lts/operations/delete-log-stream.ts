import type { Operation } from '../operation';

export const deleteLogStream: Operation = {
  on: 'DELETE /v2/{project_id}/groups/{log_group_id}/streams/{log_stream_id}',
  action: 'lts:topics:delete',
  run({ names }, { logs }) {
    logs.deleteStream(names.log_group_id ?? '', names.log_stream_id ?? '');
    return { status: 204 };
  },
};
