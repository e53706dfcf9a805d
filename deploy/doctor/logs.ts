import * as z from 'zod';
import type { CloudApi } from '../cloud-api';
import { type DesiredState, logWarning } from '../desired-state';
import { type Finding, probe } from './finding';

const Groups = z.object({
  log_groups: z
    .array(
      z.object({
        log_group_id: z.string(),
        log_group_name: z.string(),
        tag: z.record(z.string(), z.string()).nullish(),
      }),
    )
    .nullish()
    .transform((groups) => groups ?? []),
});
/** A log group in LTS's list. */
export type LogGroup = z.infer<typeof Groups>['log_groups'][number];
const Streams = z.object({
  log_streams: z
    .array(z.object({ log_stream_id: z.string(), log_stream_name: z.string() }))
    .nullish()
    .transform((streams) => streams ?? []),
});

/** Checks that LTS has the log group and stream of the functions. */
export async function checkLogs(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const setup = `npm run setup -- --stage ${desired.stage}`;
  if (logWarning(desired) !== undefined) {
    return [
      {
        point: 'logs',
        state: 'note',
        text: 'the functions will have no logs: no log group of LTS is set',
        todo: `${setup}, or set LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID and LTS_STREAM_NAME`,
      },
    ];
  }
  const places = new Map(
    desired.functions.flatMap(({ logs }) => (logs === undefined ? [] : [[logs.stream_id, logs]])),
  );
  return Promise.all(
    [...places.values()].map(async ({ group_id: groupId, stream_id: streamId }): Promise<Finding> => {
      const point = `log group ${groupId}`;
      const found = await probe(async () => {
        const group = (await logGroups(cloud)).find(({ log_group_id }) => log_group_id === groupId);
        const streams = group === undefined ? [] : await logStreams(groupId, cloud);
        return { group, stream: streams.find(({ log_stream_id }) => log_stream_id === streamId) };
      });
      if (!found.ok) {
        const todo = 'look in the console (LTS), or let the key have the system policy "LTS ReadOnlyAccess"';
        return { point, state: 'unseen', text: found.reason, todo };
      }
      const { group, stream } = found.found;
      if (group === undefined) {
        const todo = `${setup} creates one if LTS_GROUP_ID is empty; or set it to an existing one`;
        return { point, state: 'missing', text: 'does not exist', todo };
      }
      if (stream === undefined) {
        const todo = `${setup} creates one in its own group; or set LTS_STREAM_ID to an existing one`;
        return { point, state: 'missing', text: `has no stream ${streamId}`, todo };
      }
      const text = `${group.log_group_name} with stream ${stream.log_stream_name}`;
      return { point, state: 'ok', text };
    }),
  );
}

/** The log groups of the project. @throws CallFailed, ZodError */
export async function logGroups(cloud: CloudApi): Promise<LogGroup[]> {
  const { body } = await cloud.call('lts', { method: 'GET', path: logGroupsPath(cloud) });
  return Groups.parse(body).log_groups;
}

/** The streams of a log group. @throws CallFailed, ZodError */
export async function logStreams(groupId: string, cloud: CloudApi) {
  const path = `${logGroupsPath(cloud)}/${groupId}/streams`;
  return Streams.parse((await cloud.call('lts', { method: 'GET', path })).body).log_streams;
}

/** Path of the log groups in LTS. */
export function logGroupsPath(cloud: CloudApi): string {
  return `/v2/${cloud.connection.projectId}/groups`;
}
