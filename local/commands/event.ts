import { createHash } from 'node:crypto';
import { ACCOUNT, REGION, TOPIC_NAME, UPLOAD_BUCKET } from '../account';
import { gatewayEvent } from '../apig/gateway-event';
import { timerEvent, topicEvent } from '../functiongraph/trigger-events';
import { newRequestId } from '../http-server';
import { renderObjectEvents } from '../obs/events';
import type { ObjectEvent } from '../obs/object-store';
import { UsageError } from '../usage-error';
import { readArguments, readInteger } from './arguments';
import { printJson } from './terminal';

const STRING = { type: 'string' } as const;
/** Every event is JSON. The option exists so that all commands take it. */
const JSON_TOO = { json: { type: 'boolean' } } as const;
const OBJECT_OPTIONS = { bucket: STRING, key: STRING, size: STRING, etag: STRING, ...JSON_TOO } as const;
const TIMER_OPTIONS = { name: STRING, 'user-event': STRING, ...JSON_TOO } as const;
const TOPIC_OPTIONS = { 'task-id': STRING, ...JSON_TOO } as const;
const API_OPTIONS = { method: STRING, path: STRING, query: STRING, body: STRING, ...JSON_TOO } as const;
/** Options of the command; which ones it takes depends on the kind of event. */
export const OPTIONS = { ...OBJECT_OPTIONS, ...TIMER_OPTIONS, ...TOPIC_OPTIONS, ...API_OPTIONS } as const;
const SHAPES = { 'obs-put': 's3', 'obs-put-v3': 'obs', eventgrid: 'eventgrid' } as const;

/** Prints a sample event as JSON, as this local cloud would send it. */
export async function event(args: readonly string[]): Promise<number> {
  const [kind, ...rest] = args;
  printJson(sample(kind, rest));
  return 0;
}

function sample(kind: string | undefined, args: string[]): unknown {
  switch (kind) {
    case 'obs-put':
    case 'obs-put-v3':
    case 'eventgrid':
      return renderObjectEvents(SHAPES[kind], [objectEvent(args)], REGION);
    case 'timer': {
      const { values } = readArguments(args, { options: TIMER_OPTIONS });
      return timerEvent(values.name ?? 'clean-up', values['user-event'] ?? '', Date.now(), 'Asia/Shanghai');
    }
    case 'smn': {
      const { values } = readArguments(args, { options: TOPIC_OPTIONS });
      return notificationEvent(values['task-id'] ?? '1000001');
    }
    case 'apig':
      return apiEvent(args);
    default:
      throw new UsageError(
        `event needs one of obs-put, obs-put-v3, eventgrid, smn, timer, apig, got "${kind ?? ''}"`,
      );
  }
}

function objectEvent(args: string[]): ObjectEvent {
  const { values } = readArguments(args, { options: OBJECT_OPTIONS });
  const key = values.key ?? 'uploads/sample.mp4';
  return {
    eventName: 'ObjectCreated:Put',
    bucket: values.bucket ?? UPLOAD_BUCKET,
    key,
    sizeBytes: readInteger('--size', values.size, [0, Number.MAX_SAFE_INTEGER]) ?? 1_000_000,
    etag: values.etag ?? createHash('md5').update(key).digest('hex'),
    sequencer: '000000000000000000000000000000A1',
    timeMs: Date.now(),
    requestId: newRequestId(),
    sourceIp: '127.0.0.1',
  };
}

/** MPC's notification that a task has succeeded, through the topic of the local cloud. */
function notificationEvent(taskId: string): unknown {
  const info = { task_id: taskId, status: 'SUCCEED' };
  const message = {
    id: newRequestId(),
    topicUrn: `urn:smn:${REGION}:${ACCOUNT.projectId}:${TOPIC_NAME}`,
    subject: null,
    message: JSON.stringify({ event_type: 'ThumbnailComplete', thumbnail_info: info }),
    publishedMs: Date.now(),
  };
  const urn = `urn:fss:${REGION}:${ACCOUNT.projectId}:function:default:on-finish:latest`;
  return topicEvent(message, 'on-finish', urn, Date.now());
}

function apiEvent(args: string[]): unknown {
  const { values } = readArguments(args, { options: API_OPTIONS });
  const path = values.path ?? '/snapshots';
  const taskId = /^\/snapshots\/([^/]+)$/.exec(path)?.[1];
  return gatewayEvent(
    {
      requestId: newRequestId(),
      method: values.method ?? 'GET',
      rawUrl: values.query === undefined ? path : `${path}?${values.query}`,
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: Buffer.from(values.body ?? ''),
      clientIp: '127.0.0.1',
    },
    {
      route: {
        functionName: 'query',
        apiId: newRequestId(),
        groupId: 'local',
        instanceId: '',
        name: 'query',
        envId: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
        stage: 'RELEASE',
        path,
        method: 'ANY',
        matchMode: 'NORMAL',
        auth: 'NONE',
        timeoutMs: 5000,
      },
      pathParameters: taskId === undefined ? {} : { task_id: taskId },
    },
    { repeatedQueryParameters: 'last', missingQuery: 'empty' },
  );
}
