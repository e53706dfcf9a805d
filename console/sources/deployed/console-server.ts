import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createConsole } from '../../server/console-server';
import { relayApi } from './api-relay';
import { Bucket } from './bucket';
import { type Caller, clientOf, type DeployedService } from './deployed-service';
import { DeployedSource } from './deployed-source';
import { LoggedCalls, type ReadLog } from './logged-calls';
import { UploadListing } from './upload-listing';

export interface DeployedConsoleOptions {
  service: DeployedService;
  caller: Caller;
  canWrite: boolean;
  /** Starts this console again, as typed in a terminal. */
  command: string;
  /** Absent without a stage. */
  readLog?: ReadLog | undefined;
  pollEveryMs?: number;
}

export interface DeployedConsole {
  /** Not yet listening. */
  server: Server;
  /** What follows the server's address in the one link that opens the console. */
  entryPath: string;
  close(): void;
}

const COOKIE = 'mpc_snapshots_console';

/**
 * The console against deployed functions. It acts with the caller's rights, so it opens only by the link with the token:
 * otherwise other users and programs of this machine could act with these rights too.
 */
export function createDeployedConsole({
  service,
  caller,
  canWrite,
  command,
  readLog,
  pollEveryMs,
}: DeployedConsoleOptions): DeployedConsole {
  const token = randomBytes(24).toString('base64url');
  const api = clientOf(service, caller);
  const uploads = new UploadListing(service, caller);
  const source = new DeployedSource({
    service,
    api,
    uploads,
    snapshots: new Bucket(service, caller, service.snapshotBucket),
    canWrite,
    command,
    ...(readLog !== undefined && { calls: new LoggedCalls(readLog) }),
    ...(pollEveryMs !== undefined && { pollEveryMs }),
  });
  const showConsole = createConsole(source);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://console');
    if (isSame(url.searchParams.get('token') ?? '', token)) {
      // The token leaves the address bar and the history.
      response.writeHead(302, {
        location: '/_console/',
        'set-cookie': `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict`,
        'cache-control': 'no-store',
      });
      response.end();
    } else if (!isSame(cookieOf(request), token)) {
      response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('Open the console with the link that the terminal shows.\n');
    } else if (!showConsole(request, response)) {
      void relayApi(request, response, { api, canWrite });
    }
  });
  return { server, entryPath: `/_console/?token=${token}`, close: () => source.close() };
}

function cookieOf({ headers }: IncomingMessage): string {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]+)`).exec(headers.cookie ?? '')?.[1] ?? '';
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
