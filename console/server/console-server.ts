import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { BodyTooLarge, readBody, sendJson } from '../../local/http-server';
import { ConsoleRefusal, type ConsoleSource, type LocalTools } from '../sources/console-source';
import type { ConsoleError } from './console-api';
import { streamEvents } from './event-stream';

/** Answers requests to the console; false for all others. */
export type ConsoleHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

const ROOT = '/_console/';
const MAX_BODY_BYTES = 64 * 1024;

interface Call {
  source: ConsoleSource;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
}

const uploadUrlRequest = z.object({ name: z.string().max(1024) });
const deliverRequest = z.intersection(
  z.object({ times: z.union([z.literal(1), z.literal(2)]) }),
  z.union([z.object({ event: z.string() }), z.object({ key: z.string() })]),
);
const sendNoticeRequest = z.object({ notice: z.string() });
const fireRequest = z.object({ functionName: z.string(), timer: z.string() });
const faultsRequest = z.object({
  shares: z.record(z.string(), z.number().min(0).max(1)),
  seed: z.number().int().min(0).exactOptional(),
});

/** The requests of the page; console-api.ts says what each answers. */
const ROUTES: Readonly<Record<string, (call: Call) => unknown>> = {
  'GET events': ({ source, response }) => streamEvents(source, response),
  'GET state': async ({ source, response }) => sendJson(response, 200, await source.state()),
  'GET frames': async (call) => answer(call, await call.source.frames(parameter(call, 'task'))),
  'GET picture': async (call) =>
    redirect(call, await call.source.pictureUrl(parameter(call, 'task'), parameter(call, 'name'))),
  'GET results': async (call) => answer(call, await call.source.results(parameter(call, 'task'))),
  'GET file': async (call) =>
    redirect(call, await call.source.fileUrl(parameter(call, 'task'), parameter(call, 'name'))),
  'GET video': async (call) => redirect(call, await call.source.videoUrl(parameter(call, 'key'))),
  'GET invocation': (call) => answer(call, localTools(call).invocation(parameter(call, 'id'))),
  'GET explain': async (call) => answer(call, await call.source.explain(parameter(call, 'key'))),
  'POST upload-url': async (call) => {
    const { name } = await readJson(call, uploadUrlRequest);
    answer(call, await call.source.uploadUrl(name));
  },
  'POST send-notice': async (call) => {
    const { notice } = await readJson(call, sendNoticeRequest);
    answer(call, await call.source.sendNotice(notice));
  },
  'POST deliver': async (call) =>
    answer(call, localTools(call).deliver(await readJson(call, deliverRequest))),
  'POST fire': async (call) => answer(call, localTools(call).fire(await readJson(call, fireRequest))),
  'POST faults': async (call) =>
    answer(call, localTools(call).setFaults(await readJson(call, faultsRequest))),
};

/** The console at `/_console/`: the page and its API. */
export function createConsole(source: ConsoleSource): ConsoleHandler {
  return (request, response) => {
    const address = request.url ?? '/';
    if (!URL.canParse(address, 'http://console')) return false;
    const url = new URL(address, 'http://console');
    if (url.pathname === '/') {
      response.writeHead(302, { location: ROOT }).end();
      return true;
    }
    if (!url.pathname.startsWith(ROOT)) return false;
    const call = { source, query: url.searchParams, request, response };
    serve(call, url.pathname.slice(ROOT.length)).catch((error: unknown) => refuse(response, error));
    return true;
  };
}

async function serve(call: Call, name: string): Promise<void> {
  const { request, response, source } = call;
  if (!isOwnHost(request)) {
    throw new ConsoleRefusal(403, 'open the console at http://127.0.0.1 or http://localhost');
  }
  const route = `${request.method} ${name}`;
  const handle = Object.hasOwn(ROUTES, route) ? ROUTES[route] : undefined;
  if (handle !== undefined) {
    assertSameOrigin(request);
    await handle(call);
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    await sendAsset(response, name, source.obsOrigins());
  } else {
    throw new ConsoleRefusal(404, `the console has no ${route}`);
  }
}

/** Refuses names that others resolve to this machine (DNS rebinding). */
export function isOwnHost({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
}

/**
 * Pages of other origins can neither read nor act. Clients that are no browsers send none of these headers.
 * @throws ConsoleRefusal 403
 */
export function assertSameOrigin({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (isForeign || (origin !== undefined && origin !== `http://${host}`)) {
    throw new ConsoleRefusal(403, 'only the console itself may ask this');
  }
}

async function sendAsset(
  response: ServerResponse,
  name: string,
  obsOrigins: readonly string[],
): Promise<void> {
  // The bundler is not needed before the first page.
  const { contentSecurityPolicy, pageAsset }: typeof import('./page-assets') = require('./page-assets');
  const asset = await pageAsset(name);
  if (asset === undefined) throw new ConsoleRefusal(404, `the console has no ${name}`);
  response.writeHead(200, {
    'content-type': asset.type,
    'content-length': asset.body.length,
    'cache-control': asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'content-security-policy': contentSecurityPolicy(obsOrigins),
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  });
  response.end(asset.body);
}

function answer({ response }: Call, body: unknown): void {
  sendJson(response, 200, body, { 'cache-control': 'no-store' });
}

/** Redirects the browser to a temporary address. */
function redirect({ response }: Call, location: string): void {
  response.writeHead(302, { location, 'cache-control': 'no-store' }).end();
}

/** @throws ConsoleRefusal 400 */
function parameter({ query }: Call, name: string): string {
  const value = query.get(name);
  if (!value) throw new ConsoleRefusal(400, `the query parameter ${name} is missing`);
  return value;
}

/** @throws ConsoleRefusal 404 against the deployed functions */
function localTools({ source }: Call): LocalTools {
  if (source.local !== undefined) return source.local;
  throw new ConsoleRefusal(404, 'only the local cloud can do this');
}

/** @throws ConsoleRefusal 400, 413 or 415 */
async function readJson<T>({ request }: Call, schema: z.ZodType<T>): Promise<T> {
  // A form of another origin cannot send this type unasked.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ConsoleRefusal(415, 'send Content-Type: application/json');
  }
  const body = await readBody(request, MAX_BODY_BYTES);
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    throw new ConsoleRefusal(400, 'the body is not JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConsoleRefusal(400, `${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const [status, message] =
    error instanceof ConsoleRefusal
      ? [error.status, error.message]
      : error instanceof BodyTooLarge
        ? [413, error.message]
        : [500, 'the console failed; the terminal in which it runs says why'];
  if (status === 500) console.error('console:', error);
  sendJson(response, status, { error: message } satisfies ConsoleError, { 'cache-control': 'no-store' });
}
