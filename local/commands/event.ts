import { createHash } from 'node:crypto';
import { REGION, UPLOAD_BUCKET } from '../account';
import { gatewayEvent } from '../apig/gateway-event';
import { timerEvent } from '../functiongraph/trigger-events';
import { newRequestId } from '../http-server';
import { renderObjectEvents } from '../obs/events';
import type { ObjectEvent } from '../obs/object-store';
import { UsageError } from '../usage-error';
import { readArguments, readWhole } from './arguments';
import { printJson } from './terminal';

const SHAPES = { 'obs-put': 's3', 'obs-put-v3': 'obs', eventgrid: 'eventgrid' } as const;

/** Prints a sample event as JSON: the ones that this local cloud itself would send. */
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
      const values = options(args, ['name', 'user-event']);
      return timerEvent(values.name ?? 'clean-up', values['user-event'] ?? '', Date.now(), 'Asia/Shanghai');
    }
    case 'apig':
      return apiEvent(args);
    default:
      throw new UsageError(
        `event needs one of obs-put, obs-put-v3, eventgrid, timer, apig, got "${kind ?? ''}"`,
      );
  }
}

function objectEvent(args: string[]): ObjectEvent {
  const values = options(args, ['bucket', 'key', 'size', 'etag']);
  const key = values.key ?? 'uploads/sample.mp4';
  return {
    eventName: 'ObjectCreated:Put',
    bucket: values.bucket ?? UPLOAD_BUCKET,
    key,
    sizeBytes: readWhole('--size', values.size, [0, Number.MAX_SAFE_INTEGER]) ?? 1_000_000,
    etag: values.etag ?? createHash('md5').update(key).digest('hex'),
    sequencer: '000000000000000000000000000000A1',
    timeMs: Date.now(),
    requestId: newRequestId(),
    sourceIp: '127.0.0.1',
  };
}

function apiEvent(args: string[]): unknown {
  const values = options(args, ['method', 'path', 'query', 'body']);
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

function options<const Name extends string>(
  args: string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const { values } = readArguments(args, {
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      // Every event is JSON; the option is taken so that all commands take it.
      json: { type: 'boolean' as const },
    },
  });
  return values as Partial<Record<Name, string>>;
}
