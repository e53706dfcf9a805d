import { type Credentials, encodePath, signRequest } from '../shared/signing';

/** Where to deploy to and as whom. */
export interface Target {
  /** `https://functiongraph.<region>.myhuaweicloud.com` or the address of the local cloud. */
  endpoint: string;
  projectId: string;
  region: string;
  credentials: Credentials;
}

/** FunctionGraph refused a call; the message holds its code and text. */
export class FunctionGraphRefused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * One signed call of FunctionGraph's API v2.
 * @param path below `/v2/{project_id}/fgs/`, not encoded
 * @returns the parsed body and the headers of the answer
 * @throws FunctionGraphRefused
 */
export async function callFunctionGraph(
  target: Target,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ body: unknown; headers: Headers }> {
  const { origin, host } = new URL(target.endpoint);
  const fullPath = `/v2/${target.projectId}/fgs/${path}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const signed = signRequest(
    {
      method,
      host,
      path: fullPath,
      headers: { 'content-type': 'application/json', 'x-project-id': target.projectId, ...headers },
      ...(text !== undefined && { body: text }),
    },
    target.credentials,
    Date.now(),
  );
  // The HTTP client writes the host header itself, from the same address.
  const { host: _, ...sent } = signed;
  const response = await fetch(origin + encodePath(fullPath), {
    method,
    headers: sent,
    redirect: 'error',
    ...(text !== undefined && { body: text }),
  });
  const answer = parse(await response.text());
  if (!response.ok) {
    const { error_code, error_msg } = answer as { error_code?: string; error_msg?: string };
    const what = `${method} ${path}: ${response.status} ${error_code ?? ''} ${error_msg ?? ''}`.trim();
    throw new FunctionGraphRefused(response.status, error_code ?? '', what);
  }
  return { body: answer, headers: response.headers };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
