import { signRequest } from '../../shared/signing';

export interface Context {
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
  getProjectID(): string;
  getUserData(key: string): string;
}

export interface Event {
  body: string;
  isBase64Encoded: boolean;
}

/** CreateThumbnailsTask with our own signature, so that only the cost of the rival's HTTP client shows. */
export function signedCreate(
  event: Event,
  context: Context,
): { url: string; headers: Record<string, string>; body: string } {
  const body = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').toString();
  JSON.parse(body);
  const { origin, host } = new URL(context.getUserData('MPC_ENDPOINT'));
  const path = `/v1/${context.getProjectID()}/thumbnails`;
  const { host: _, ...headers } = signRequest(
    {
      method: 'POST',
      host,
      path,
      headers: { 'content-type': 'application/json', 'x-project-id': context.getProjectID() },
      body,
    },
    {
      accessKey: context.getSecurityAccessKey(),
      secretKey: context.getSecuritySecretKey(),
      securityToken: context.getSecurityToken(),
    },
    Date.now(),
  );
  return { url: origin + path, headers, body };
}

/** The answer for API Gateway. */
export function accepted(answer: unknown): unknown {
  const { task_id } = answer as { task_id?: string };
  return { statusCode: 202, headers: {}, body: JSON.stringify({ task_id }), isBase64Encoded: false };
}
