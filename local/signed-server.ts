import { createServer, type Server } from 'node:http';
import type { Clock } from './clock';
import { newRequestId, readBody, sendJson } from './http-server';
import type { AccessKey, Credentials } from './iam/credentials';
import { verifySdkSignature } from './iam/sdk-signature';

/** A request whose signature was right. */
export interface SignedRequest {
  path: string;
  query: URLSearchParams;
  /** As received, with the query. */
  rawUrl: string;
  key: AccessKey;
}

/** What a service says. */
export interface SignedAnswer {
  status: number;
  body: Readonly<Record<string, unknown>>;
}

export interface SignedServerOptions {
  credentials: Credentials;
  clock?: Clock;
}

const MAX_BODY_BYTES = 12 * 1024 * 1024;

/**
 * A service behind the platform's gateway of which only GET is there. Not yet listening.
 * @param answer undefined for a path that is no API
 */
export function createSignedServer(
  { credentials, clock = Date.now }: SignedServerOptions,
  answer: (request: SignedRequest) => SignedAnswer | undefined,
): Server {
  return createServer(async (request, response) => {
    const requestId = newRequestId();
    const refuse = (status: number, code: string, message: string) =>
      sendJson(response, status, { error_msg: message, error_code: code, request_id: requestId });
    const { method = 'GET', url: rawUrl = '/', headers } = request;
    const body = await readBody(request, MAX_BODY_BYTES).catch(() => undefined);
    if (body === undefined) return refuse(413, 'APIGW.0201', 'Request entity too large.');
    const [path = '', search = ''] = rawUrl.split(/\?(.*)/s, 2);
    const verdict = verifySdkSignature({ method, rawUrl, headers, body }, credentials, clock);
    const answered =
      method === 'GET'
        ? answer({
            path,
            query: new URLSearchParams(search),
            rawUrl,
            key: verdict.ok ? verdict.key : credentials.permanent,
          })
        : undefined;
    // The gateway looks for the API before it looks at the signature.
    if (answered === undefined) {
      return refuse(
        404,
        'APIGW.0101',
        'The API does not exist or has not been published in the environment.',
      );
    }
    if (!verdict.ok) {
      return refuse(401, 'APIGW.0301', `Incorrect IAM authentication information: ${verdict.reason}`);
    }
    return sendJson(response, answered.status, answered.body);
  });
}
