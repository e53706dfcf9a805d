import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { FunctionGraph } from '../functiongraph/functiongraph';
import { sendJson } from '../http-server';
import type { AccessKey } from '../iam/credentials';
import type { Task, TaskBook } from '../mpc/task-book';
import type { ObjectStore } from '../obs/object-store';
import { temporaryUrl } from '../obs/signature';

export interface ConsoleOptions {
  store: ObjectStore;
  tasks: TaskBook;
  functiongraph: Pick<FunctionGraph, 'onInvocation'>;
  accessKey: AccessKey;
  uploadBucket: string;
}

export interface Console {
  /** Answers what belongs to the console; false leaves the request to somebody else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Where OBS listens, once that is known. */
  setObsAddress(address: string): void;
  close(): void;
}

const ROOT = '/_console/';
const ASSETS: Readonly<Record<string, { file: string; type: string }>> = {
  '': { file: 'page.html', type: 'text/html; charset=utf-8' },
  'page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  'page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
};
/** Many changes in a short time are told to the pages in one message. */
const TELL_AFTER_MS = 100;
const URL_LIFETIME_SECONDS = 12 * 3600;
/** Older uploads are there, but not on the page. */
const MAX_UPLOADS_SHOWN = 100;

/** The page at `/_console/`: uploads, their tasks and frames, pushed to the browser as they change. */
export function createConsole(options: ConsoleOptions): Console {
  const { store, tasks, functiongraph, accessKey, uploadBucket } = options;
  const listeners = new Set<ServerResponse>();
  /** Why the last event of a key started no task, as the function reported it. */
  const remarks = new Map<string, string>();
  let obsAddress = '';
  let timer: NodeJS.Timeout | undefined;

  const signedUrl = (method: 'GET' | 'PUT', bucket: string, key: string): string =>
    temporaryUrl({
      endpoint: obsAddress,
      bucket,
      key,
      method,
      accessKey,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + URL_LIFETIME_SECONDS,
    });

  const taskView = (task: Task) => ({
    id: task.id,
    status: task.status,
    description: task.description,
    frames: task.tar
      ? []
      : task.pictures.map((name) => ({
          name,
          url: signedUrl('GET', task.output.bucket, [task.output.object, name].filter(Boolean).join('/')),
        })),
  });

  const state = () => {
    const byKey = new Map<string, Task[]>();
    for (const task of tasks.list()) {
      if (task.input.bucket !== uploadBucket) continue;
      byKey.set(task.input.object, [task, ...(byKey.get(task.input.object) ?? [])]);
    }
    const { objects } = store.list(uploadBucket, {});
    const newest = objects.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs).slice(0, MAX_UPLOADS_SHOWN);
    return {
      uploadBucket,
      uploads: newest.map(({ key, sizeBytes, lastModifiedMs }) => ({
        key,
        sizeBytes,
        lastModifiedMs,
        remark: remarks.get(key),
        tasks: (byKey.get(key) ?? []).map(taskView),
      })),
    };
  };

  const tell = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (listeners.size === 0) return;
      const message = `data: ${JSON.stringify(state())}\n\n`;
      for (const listener of listeners) listener.write(message);
    }, TELL_AFTER_MS).unref();
  };

  const stops = [
    store.onObjectEvent(tell),
    tasks.onChange(tell),
    functiongraph.onInvocation(({ functionName, outcome, state: progress }) => {
      if (functionName !== 'on-upload' || outcome === undefined) return;
      for (const { key, remark } of remarksOf(outcome.body, progress)) remarks.set(key, remark);
      tell();
    }),
  ];

  const stream = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`data: ${JSON.stringify(state())}\n\n`);
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
  };

  return {
    handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://console');
      if (url.pathname === '/') {
        response.writeHead(302, { location: ROOT }).end();
        return true;
      }
      if (!url.pathname.startsWith(ROOT)) return false;
      const name = url.pathname.slice(ROOT.length);
      const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
      if (!isOwnHost(request)) {
        // A page elsewhere that resolved its own name to this machine must not read what is here.
        response.writeHead(403).end('open the console at http://127.0.0.1 or http://localhost');
      } else if (request.method === 'GET' && asset !== undefined) {
        sendAsset(response, asset.file, asset.type, obsAddress);
      } else if (request.method === 'GET' && name === 'state') {
        stream(response);
      } else if (request.method === 'POST' && name === 'upload-url') {
        const key = `uploads/${url.searchParams.get('name') || 'video'}`;
        sendJson(response, 200, { key, url: signedUrl('PUT', uploadBucket, key) });
      } else {
        response.writeHead(404).end();
      }
      return true;
    },
    setObsAddress(address) {
      obsAddress = address;
    },
    close() {
      clearTimeout(timer);
      for (const stop of stops) stop();
      for (const listener of listeners) listener.end();
    },
  };
}

/** What the result of on-upload says of the keys that got no task. */
function remarksOf(body: string, progress: string): { key: string; remark: string }[] {
  const result: unknown = parseJson(body);
  const records = (result as { records?: unknown })?.records;
  if (Array.isArray(records)) {
    return records.flatMap((record: { key?: unknown; skipped?: unknown }) =>
      typeof record?.key === 'string' && typeof record.skipped === 'string'
        ? [{ key: record.key, remark: `skipped: ${record.skipped}` }]
        : [],
    );
  }
  const message = (result as { errorMessage?: unknown })?.errorMessage;
  const key =
    typeof message === 'string' ? /could not be started: (.+) \([^()]*\)$/.exec(message)?.[1] : undefined;
  return key === undefined
    ? []
    : [{ key, remark: progress === 'retrying' ? 'failed, will be tried again' : 'failed' }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOwnHost(request: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '');
}

function sendAsset(response: ServerResponse, file: string, type: string, obsAddress: string): void {
  const body = readFileSync(path.join(__dirname, file));
  response.writeHead(200, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-cache',
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src ${obsAddress} data:; connect-src 'self' ${obsAddress}`,
  });
  response.end(body);
}
