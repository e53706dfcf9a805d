import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../clock';
import { newRequestId, readBody, sendJson } from '../http-server';
import type { Credentials } from './credentials';
import { verifySdkSignature } from './sdk-signature';

export interface IamOptions {
  credentials: Credentials;
  /** The account's only project; on the platform a region's first project bears the region's name. */
  region: string;
  clock?: Clock;
}

/** An id in the form of IAM's; nobody looks into it. */
const DOMAIN_ID = '0000000000000000000000000000d0a1';
const MAX_BODY_BYTES = 12 * 1024 * 1024;

/** Whether a path belongs to IAM where it shares an address with others. */
export function isIamPath(url: string): boolean {
  return url.startsWith('/v3/');
}

/**
 * The one call of IAM that the vendor's SDKs make by themselves: `GET /v3/projects`, when a client is given a region but
 * no project id. In the local cloud it is reached at the address of API Gateway. Not yet listening.
 */
export function createIamServer(options: IamOptions): Server {
  return createServer((request, response) => {
    void serve(options, request, response);
  });
}

async function serve(
  { credentials, region, clock = Date.now }: IamOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = newRequestId();
  const refuse = (status: number, code: string, message: string) =>
    sendJson(response, status, { error_msg: message, error_code: code, request_id: requestId });

  const { method = 'GET', url: rawUrl = '/', headers } = request;
  const body = await readBody(request, MAX_BODY_BYTES).catch(() => undefined);
  if (body === undefined) return refuse(413, 'APIGW.0201', 'Request entity too large.');
  const [path, search] = rawUrl.split(/\?(.*)/s, 2);
  if (method !== 'GET' || path !== '/v3/projects') {
    return refuse(404, 'APIGW.0101', 'The API does not exist or has not been published in the environment.');
  }
  const verdict = verifySdkSignature({ method, rawUrl, headers, body }, credentials, clock);
  if (!verdict.ok) {
    return refuse(401, 'APIGW.0301', `Incorrect IAM authentication information: ${verdict.reason}`);
  }
  const name = new URLSearchParams(search).get('name') ?? region;
  const projects = name === region ? [projectView(verdict.key.projectId, region)] : [];
  sendJson(response, 200, { links: { self: rawUrl, previous: null, next: null }, projects });
}

/** A project as IAM lists it (IAM API reference, querying projects). */
function projectView(id: string, name: string) {
  return {
    id,
    name,
    domain_id: DOMAIN_ID,
    parent_id: DOMAIN_ID,
    is_domain: false,
    enabled: true,
    description: '',
    links: { self: `/v3/projects/${id}` },
  };
}
