import { isUtf8 } from 'node:buffer';
import * as z from 'zod/mini';
import type { FunctionContext } from '../core/context';
import { describeFailure } from '../core/errors';
import { Log } from '../core/log';
import { anything, isText, optionalText, text } from '../core/schema';
import { type Invocation, openInvocation } from '../installation/invocation';
import { trimSlashes } from '../installation/object-keys';
import { InvalidRequest } from '../validation';
import type { View } from '../views/task-view';
import { type ApiError, toApiError } from './errors';

/** A request as the functions need it, without the wrapping of API Gateway. */
export interface ApiRequest {
  path: string | undefined;
  /** The values of the path's `{name}` parts. */
  pathParameters: Readonly<Record<string, unknown>> | null | undefined;
  /** Each parameter with all its values. */
  query: Readonly<Record<string, readonly string[]>>;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Identifies the caller by what the gateway has checked; undefined when unknown. Must not be shown. */
  caller: string | undefined;
  /** The parsed JSON body. @throws ApiError 400 when it is not JSON */
  json(): unknown;
}

/** What API Gateway accepts from a function: exactly these four fields. */
export interface ApiResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: boolean;
}

const TASKS_PATH = '/snapshots/';
/** The longest useful body has less than half of it. To parse a body of a few MB may exceed the memory of a function. */
const MAX_BODY_BYTES = 1_000_000;

const namedValues = z.optional(z.nullable(z.looseObject({})));

/** The fields of API Gateway's event that are used (developer guide, "APIG event source"; captured event). */
const ApiEvent = z.object({
  httpMethod: text,
  path: optionalText,
  pathParameters: namedValues,
  queryStringParameters: namedValues,
  headers: namedValues,
  body: anything,
  isBase64Encoded: anything,
});

/**
 * Answers one API Gateway event: opens the invocation, runs the action, turns every error into a documented
 * answer, and writes one log line.
 */
export async function answer(
  event: unknown,
  context: FunctionContext,
  action: (request: ApiRequest, invocation: Invocation) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const requestId = context.getRequestID();
  let log = new Log(requestId, context.getFunctionName());
  try {
    const invocation = openInvocation(context);
    log = invocation.log;
    const answered = await action(readRequest(event), invocation);
    log.info('api.answered', { status: answered.statusCode });
    return answered;
  } catch (error) {
    const apiError = toApiError(error);
    const level = apiError.status >= 500 ? 'error' : 'info';
    log.write(level, 'api.refused', {
      status: apiError.status,
      error_code: apiError.code,
      ...describeFailure(error),
    });
    return errorResponse(apiError, requestId);
  }
}

/** A JSON answer. */
export function jsonResponse(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): ApiResponse {
  // The answer holds signed addresses: anybody who has one may use it.
  const own = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return response(statusCode, JSON.stringify(body), { ...own, ...headers });
}

/** An answer of any type. */
function response(statusCode: number, body: string, headers: Record<string, string>): ApiResponse {
  return { statusCode, headers, body, isBase64Encoded: false };
}

/** The answer with a view. */
export function viewResponse({ statusCode, headers, body }: View): ApiResponse {
  return response(statusCode, body, { 'cache-control': 'no-store', ...headers });
}

/** An answer without a body (204). */
export function noContent(): ApiResponse {
  return response(204, '', {});
}

function errorResponse(error: ApiError, requestId: string): ApiResponse {
  const { details, retryAfterSeconds } = error.extra;
  return jsonResponse(
    error.status,
    { error_code: error.code, error_msg: error.message, request_id: requestId, details },
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  );
}

function readRequest(event: unknown): ApiRequest {
  const parsed = z.safeParse(ApiEvent, event);
  if (!parsed.success) throw notOfGateway();
  const { path, pathParameters, queryStringParameters, headers, body, isBase64Encoded } = parsed.data;
  const named = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), textOf(value)]),
  );
  return {
    path,
    pathParameters,
    caller: callerIn(named),
    query: Object.fromEntries(
      Object.entries(queryStringParameters ?? {}).map(([name, value]) => [name, [value].flat().map(textOf)]),
    ),
    headers: named,
    json: () => parseBody(textOf(body ?? ''), isBase64Encoded === true),
  };
}

/**
 * The event of API Gateway names no caller. The access key or app code of the request does, because the gateway has
 * checked it. Temporary keys change for the same caller, so they identify nobody. Beside a token the gateway checks no
 * signature. Of an access key and an app code it checks only one, and the event does not say which: the two together
 * are a caller of their own, so that nobody can use the name of another.
 */
function callerIn(headers: Readonly<Record<string, string>>): string | undefined {
  if (headers['x-security-token'] !== undefined || headers['x-auth-token'] !== undefined) return undefined;
  const accessKey = /^\S+ Access=([^,\s]+),/.exec(headers.authorization ?? '')?.[1];
  const appCode = headers['x-apig-appcode'];
  return accessKey === undefined || appCode === undefined
    ? (accessKey ?? appCode)
    : JSON.stringify([accessKey, appCode]);
}

/**
 * The task id in `/snapshots/{task_id}`; undefined for `/snapshots`. Triggers publish `/snapshots` with everything
 * below it, so only the path has the id. If another path is published, a path parameter has it: `task_id`, or the
 * empty name for the rest of a prefix match.
 */
export function taskIdIn({ path = '', pathParameters }: ApiRequest): string | undefined {
  const named = pathParameters?.task_id ?? pathParameters?.[''];
  const start = path.indexOf(TASKS_PATH);
  const value = start >= 0 ? path.slice(start + TASKS_PATH.length) : named;
  return (isText(value) && trimSlashes(value)) || undefined;
}

function textOf(value: unknown): string {
  if (Object(value) === value) throw notOfGateway();
  return String(value);
}

function notOfGateway(): InvalidRequest {
  return new InvalidRequest([{ path: 'event', message: 'must be an event of API Gateway' }]);
}

function parseBody(body: string, isBase64Encoded: boolean): unknown {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) {
    const message = `must be at most ${MAX_BODY_BYTES} bytes, got ${bytes.length}`;
    throw new InvalidRequest([{ path: '', message }]);
  }
  try {
    // Bytes that are not UTF-8 would silently become another text.
    // Some editors and Windows programs begin every text with a byte order mark.
    if (isUtf8(bytes)) return JSON.parse(bytes.toString().replace(/^\uFEFF/, ''));
  } catch {
    // The error below covers it.
  }
  throw new InvalidRequest([{ path: '', message: 'must be a JSON object in UTF-8' }]);
}
