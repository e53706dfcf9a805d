import { type Operation, streamView } from '../operation';

export const listLogStreams: Operation = {
  on: 'GET /v2/{project_id}/log-streams',
  action: 'lts:topics:list',
  run({ query }, { logs }) {
    const isWanted = (name: string, parameter: string) =>
      !query.has(parameter) || query.get(parameter) === name;
    const streams = logs
      .groups()
      .filter(({ name }) => isWanted(name, 'log_group_name'))
      .flatMap((group) => [...group.streams.values()].map((stream) => ({ group, stream })))
      .filter(({ stream }) => isWanted(stream.name, 'log_stream_name'));
    const views = streams.map(({ group, stream }) => ({ ...streamView(stream), log_group_id: group.id }));
    return { status: 200, body: { log_streams: views } };
  },
};
