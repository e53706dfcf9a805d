import * as z from 'zod';
import { CallFailed, type CloudApi, readAnswer } from '../cloud-api';
import { type LogGroup, logGroups, logGroupsPath, logStreams } from '../doctor/logs';
import type { EnvFile } from './env-file';
import type { Names } from './names';
import type { Inspection, Part, Step } from './part';

const RIGHT = 'LTS FullAccess';
const KEPT_DAYS = 30;

const MadeGroup = z.object({ log_group_id: z.string() });

export interface LogContext {
  cloud: CloudApi;
  names: Names;
  file: EnvFile;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The log group and stream of the functions. */
export function logPart(context: LogContext): Part {
  const name = `log group ${context.names.logGroup}`;
  return { name, service: 'LTS', right: RIGHT, inspect: () => inspectLogs(context) };
}

async function inspectLogs({ cloud, names, file, environment }: LogContext): Promise<Inspection> {
  const { region } = cloud.connection;
  const groups = await logGroups(cloud);
  const group =
    groups.find(({ log_group_id }) => log_group_id === environment.LTS_GROUP_ID) ??
    groups.find(({ log_group_name }) => log_group_name === names.logGroup);
  const isOwnGroup = group === undefined || isOwn(group, names, file);
  const streams = group === undefined ? [] : await logStreams(group.log_group_id, cloud);
  const stream =
    streams.find(({ log_stream_id }) => log_stream_id === environment.LTS_STREAM_ID) ??
    (isOwnGroup ? streams.find(({ log_stream_name }) => log_stream_name === names.logStream) : undefined);
  if (group !== undefined && stream !== undefined) {
    return {
      there: [`log group ${group.log_group_name} with stream ${stream.log_stream_name}`],
      values: {
        LTS_GROUP_ID: group.log_group_id,
        LTS_GROUP_NAME: group.log_group_name,
        LTS_STREAM_ID: stream.log_stream_id,
        LTS_STREAM_NAME: stream.log_stream_name,
      },
    };
  }
  if (!isOwnGroup) {
    return {
      obstacle: {
        text: 'exists, but was not created by setup',
        todo: `set LTS_GROUP_ID=${group?.log_group_id} and LTS_STREAM_ID to a stream in it to use it anyway, or rename it in the console (LTS)`,
      },
    };
  }
  const tags = [names.tag];
  let groupId = group?.log_group_id ?? '';
  const createGroup: Step = {
    what: `log group ${names.logGroup}, kept for ${KEPT_DAYS} days`,
    right: RIGHT,
    command: `hcloud LTS CreateLogGroup --cli-region=${region} --log_group_name=${names.logGroup} --ttl_in_days=${KEPT_DAYS}, then set LTS_GROUP_ID and LTS_GROUP_NAME`,
    isNeeded: true,
    make: async () => {
      file.remember(`log-group:${names.logGroup}`);
      const body = { log_group_name: names.logGroup, ttl_in_days: KEPT_DAYS, tags };
      const answer = await cloud.call('lts', { method: 'POST', path: logGroupsPath(cloud), body });
      groupId = readAnswer(MadeGroup, answer.body, 'the new log group', 'LTS').log_group_id;
    },
  };
  const createStream: Step = {
    what: `log stream ${names.logStream} in ${names.logGroup}`,
    right: RIGHT,
    command: `hcloud LTS CreateLogStream --cli-region=${region} --log_group_id=${groupId || '…'} --log_stream_name=${names.logStream}, then set LTS_STREAM_ID and LTS_STREAM_NAME`,
    make: () =>
      cloud.call('lts', {
        method: 'POST',
        path: `${logGroupsPath(cloud)}/${groupId}/streams`,
        body: { log_stream_name: names.logStream, tags },
      }),
  };
  return {
    steps: group === undefined ? [createGroup, createStream] : [createStream],
    there: group === undefined ? [] : [`log group ${group.log_group_name}`],
  };
}

/** The tag decides; if LTS shows no tags, the record in `.env.<stage>`. */
function isOwn({ tag, log_group_name: name }: LogGroup, { tag: own }: Names, file: EnvFile): boolean {
  return tag?.[own.key] === own.value || file.made().includes(`log-group:${name}`);
}

/** The log group that setup created. Its streams are deleted with it. */
export function logRemains({ cloud, names, file }: LogContext): Part {
  const inspect = async (): Promise<Inspection> => {
    const own = (await logGroups(cloud)).filter((group) => isOwn(group, names, file));
    if (own.length === 0) file.forget(`log-group:${names.logGroup}`);
    return {
      steps: own.map(({ log_group_id: id, log_group_name: name }) => ({
        what: `log group ${name} with its logs`,
        right: RIGHT,
        command: `hcloud LTS DeleteLogGroup --cli-region=${cloud.connection.region} --log_group_id=${id}`,
        make: async () => {
          await cloud
            .call('lts', { method: 'DELETE', path: `${logGroupsPath(cloud)}/${id}` })
            .catch((error: unknown) => {
              // An earlier attempt deleted it, and its answer was lost.
              if (!(error instanceof CallFailed) || error.code !== 'LTS.0201') throw error;
            });
          file.forget(`log-group:${name}`);
        },
      })),
    };
  };
  return { name: `log group ${names.logGroup}`, service: 'LTS', right: RIGHT, inspect };
}
