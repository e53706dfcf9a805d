import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { BodyTooLarge, newRequestId, readBody, sendJson } from '../http-server';
import type { ReceivedRequest } from '../iam/canonical-request';
import type { Credentials } from '../iam/credentials';
import { verifySdkSignature } from '../iam/sdk-signature';
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

/** A 50 MB zip in base64, and room for the rest of the body. */
const MAX_BODY_BYTES = 72 * 1024 * 1024;

/** One answered request to the management API. */
export interface ManagementRequest {
  requestId: string;
  method: string;
  path: string;
  status: number;
  errorCode?: string;
  durationMs: number;
  /** Why the request was refused for its signature, and the request itself. */
  detail?: string;
  unproven?: ReceivedRequest;
}

/** The server of `/v2/{project_id}/fgs/…`. Every request must be signed with SDK-HMAC-SHA256. */
export function createManagementServer(
  platform: Platform,
  credentials: Credentials,
  onRequest: ((request: ManagementRequest) => void) | undefined,
): Server {
  return createServer((request, response) => {
    const requestId = newRequestId();
    const startedAt = performance.now();
    let refused: Pick<ManagementRequest, 'detail' | 'unproven'> = {};
    void answer(platform, credentials, request)
      .catch((error: unknown) => {
        if (error instanceof Unauthorised) refused = { detail: error.message, unproven: error.received };
        return errorAnswer(error, requestId);
      })
      .then(({ status, body, headers = {}, errorCode }) => {
        send(response, status, body, { 'x-request-id': requestId, ...headers });
        onRequest?.({
          requestId,
          method: request.method ?? '',
          path: request.url ?? '',
          status,
          ...(errorCode === undefined ? {} : { errorCode }),
          durationMs: performance.now() - startedAt,
          ...refused,
        });
      });
  });
}

/** A request that API Gateway's front would have stopped. */
class Unauthorised extends Error {
  constructor(
    reason: string,
    readonly received: ReceivedRequest,
  ) {
    super(reason);
  }
}

async function answer(
  platform: Platform,
  credentials: Credentials,
  request: IncomingMessage,
): Promise<OperationAnswer> {
  const { method = 'GET', url: rawUrl = '/', headers } = request;
  const body = await readBody(request, MAX_BODY_BYTES);
  const received = { method, rawUrl, headers, body };
  const verdict = verifySdkSignature(received, credentials, platform.clock);
  if (!verdict.ok) throw new Unauthorised(verdict.reason, received);

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
    return operation.handle(platform, { params, query: url.searchParams, headers, body });
  }
  throw new FunctionGraphError(
    'FSS.0404',
    `${method} ${url.pathname} is not an operation of the local cloud`,
  );
}

/** The parameters of a path template such as `fgs/functions/{urn}/code`; undefined when the path is another one. */
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

function errorAnswer(error: unknown, requestId: string): OperationAnswer & { errorCode: string } {
  const refusal = (status: number, errorCode: string, message: string) => ({
    status,
    errorCode,
    body: { error_code: errorCode, error_msg: message, request_id: requestId },
  });
  if (error instanceof FunctionGraphError) return refusal(error.status, error.errorCode, error.message);
  if (error instanceof Unauthorised) {
    return refusal(401, 'APIG.0301', `Incorrect IAM authentication information: ${error.message}`);
  }
  if (error instanceof BodyTooLarge) return refusal(413, 'FSS.0413', error.message);
  if (error instanceof URIError)
    return refusal(400, 'FSS.0400', 'the path is not well-formed percent-encoding');
  return refusal(500, 'FSS.0500', error instanceof Error ? error.message : String(error));
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string>,
): void {
  if (typeof body === 'string') {
    response.writeHead(status, { 'content-type': 'text/plain;charset=UTF-8', ...headers }).end(body);
  } else if (body === undefined) {
    response.writeHead(status, headers).end();
  } else {
    sendJson(response, status, body, headers);
  }
}
