import { createServer, type Server } from 'node:http';
import {
  type AccessLogEntry,
  type Answer,
  BadSignature,
  type Exchange,
  front,
  jsonAnswer,
  type Refusal,
  requireSignature,
  startOf,
} from '../front';
import { BodyTooLarge, readBody } from '../http-server';
import type { Credentials } from '../iam/credentials';
import { FunctionGraphError } from './errors';
import type { Operation, OperationAnswer } from './operation';
import { createFunction } from './operations/create-function';
import { createTrigger } from './operations/create-trigger';
import { deleteAsyncInvokeConfig } from './operations/delete-async-invoke-config';
import { deleteFunction } from './operations/delete-function';
import { deleteTrigger } from './operations/delete-trigger';
import { deleteTriggers } from './operations/delete-triggers';
import { invokeFunction } from './operations/invoke-function';
import { invokeFunctionAsync } from './operations/invoke-function-async';
import { listAsyncInvocations } from './operations/list-async-invocations';
import { listFunctions } from './operations/list-functions';
import { listQuotas } from './operations/list-quotas';
import { listRuntimeTypes } from './operations/list-runtime-types';
import { listTriggerTypes } from './operations/list-trigger-types';
import { listTriggers } from './operations/list-triggers';
import { listVersions } from './operations/list-versions';
import { publishVersion } from './operations/publish-version';
import { showAsyncInvokeConfig } from './operations/show-async-invoke-config';
import { showFunctionCode } from './operations/show-function-code';
import { showFunctionConfig } from './operations/show-function-config';
import { showTrigger } from './operations/show-trigger';
import { updateAsyncInvokeConfig } from './operations/update-async-invoke-config';
import { updateFunctionCode } from './operations/update-function-code';
import { updateFunctionConfig } from './operations/update-function-config';
import { updateMaxInstances } from './operations/update-max-instances';
import { updateTrigger } from './operations/update-trigger';
import type { Platform } from './platform';

const OPERATIONS: readonly Operation[] = [
  createFunction,
  listFunctions,
  listQuotas,
  listRuntimeTypes,
  listTriggerTypes,
  showFunctionConfig,
  updateFunctionConfig,
  updateMaxInstances,
  showFunctionCode,
  updateFunctionCode,
  deleteFunction,
  publishVersion,
  listVersions,
  invokeFunction,
  invokeFunctionAsync,
  showAsyncInvokeConfig,
  updateAsyncInvokeConfig,
  deleteAsyncInvokeConfig,
  listAsyncInvocations,
  createTrigger,
  listTriggers,
  showTrigger,
  updateTrigger,
  deleteTrigger,
  deleteTriggers,
];

/** Room for a 50 MB zip in base64 and the rest of the body. */
const MAX_BODY_BYTES = 72 * 1024 * 1024;

/** The server of `/v2/{project_id}/fgs/…`. It demands an SDK-HMAC-SHA256 signature on every request. */
export function createManagementServer(
  platform: Platform,
  credentials: Credentials,
  onRequest: ((entry: AccessLogEntry) => void) | undefined,
): Server {
  const serve = (exchange: Exchange) => answer(platform, credentials, exchange);
  return createServer(front({ service: 'FunctionGraph', serve, refuse, onRequest }));
}

/** Checks body, signature, project and operation, in this order. */
async function answer(platform: Platform, credentials: Credentials, exchange: Exchange): Promise<Answer> {
  const body = await readBody(exchange.message, MAX_BODY_BYTES);
  requireSignature(exchange, body, credentials, platform.clock);

  const { method, rawUrl, headers } = startOf(exchange.message);
  const url = new URL(rawUrl, 'http://host');
  const [, version, projectId, ...segments] = url.pathname
    .replace(/\/$/, '')
    .split('/')
    .map(decodeURIComponent);
  if (version === 'v2' && projectId !== platform.projectId) {
    throw new FunctionGraphError('FSS.0403', `project "${projectId}" is not the project of the access key`);
  }
  for (const operation of version === 'v2' ? OPERATIONS : []) {
    const params = method === operation.method ? matchPath(operation.path, segments) : undefined;
    if (params === undefined) continue;
    return render(await operation.handle(platform, { params, query: url.searchParams, headers, body }));
  }
  throw new FunctionGraphError(
    'FSS.0404',
    `${method} ${url.pathname} is not an operation of the local cloud`,
  );
}

/** The parameters of a path template such as `fgs/functions/{urn}/code`; undefined if the path does not match. */
function matchPath(template: string, segments: string[]): Record<string, string> | undefined {
  const parts = template.split('/');
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = segment;
    else if (part !== segment) return undefined;
  }
  return params;
}

function render({ status, body, headers = {} }: OperationAnswer): Answer {
  if (body === undefined) return { status, headers };
  if (typeof body !== 'string') return jsonAnswer(status, body, headers);
  return { status, headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers }, body };
}

function refuse(error: unknown, { requestId }: Exchange): Refusal {
  const refusal = (status: number, errorCode: string, message: string, detail?: string) => ({
    ...jsonAnswer(status, { error_code: errorCode, error_msg: message, request_id: requestId }),
    errorCode,
    detail,
  });
  if (error instanceof FunctionGraphError) return refusal(error.status, error.errorCode, error.message);
  if (error instanceof BadSignature) {
    const reason = error.message;
    return refusal(401, 'APIG.0301', `Incorrect IAM authentication information: ${reason}`, reason);
  }
  if (error instanceof BodyTooLarge) return refusal(413, 'FSS.0413', error.message);
  if (error instanceof URIError)
    return refusal(400, 'FSS.0400', 'the path is not well-formed percent-encoding');
  return refusal(500, 'FSS.0500', error instanceof Error ? error.message : String(error));
}
