import type { Server } from 'node:http';
import { createSignedServer, type SignedServerOptions } from '../signed-server';
import { DEFAULT_BEHAVIOUR, type LtsBehaviour } from './behaviour';
import { noPermission, wrongProject } from './errors';
import type { LogBook } from './log-book';
import type { Operation } from './operation';
import { createLogGroup } from './operations/create-log-group';
import { createLogStream } from './operations/create-log-stream';
import { deleteLogGroup } from './operations/delete-log-group';
import { deleteLogStream } from './operations/delete-log-stream';
import { listLogGroups } from './operations/list-log-groups';
import { listLogStream } from './operations/list-log-stream';
import { listLogStreams } from './operations/list-log-streams';
import { listLogs } from './operations/list-logs';

export interface LtsOptions extends SignedServerOptions {
  logs: LogBook;
  behaviour?: Partial<LtsBehaviour> | undefined;
}

const OPERATIONS: readonly Operation[] = [
  createLogGroup,
  listLogGroups,
  deleteLogGroup,
  createLogStream,
  listLogStream,
  listLogStreams,
  deleteLogStream,
  listLogs,
];

/** Paths of LTS, at an address that several services share. */
export const LTS_PATHS = /^\/v2\/[^/]+\/(groups|log-streams)([/?]|$)/;

/** Log Tank Service v2: groups, streams and their lines. Not yet listening. */
export function createLts({ logs, behaviour, ...options }: LtsOptions): Server {
  return createSignedServer({
    ...options,
    name: 'LTS',
    service: { logs, behaviour: { ...DEFAULT_BEHAVIOUR, ...behaviour } },
    operations: OPERATIONS,
    forbidden: noPermission,
    wrongProject,
  });
}
