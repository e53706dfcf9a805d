import { type Operation, streamView } from '../operation';

export const listLogStream: Operation = {
  on: 'GET /v2/{project_id}/groups/{log_group_id}/streams',
  action: 'lts:topics:list',
  run: ({ names }, { logs }) => ({
    status: 200,
    body: { log_streams: [...logs.group(names.log_group_id ?? '').streams.values()].map(streamView) },
  }),
};
