import { signRequest, type UnsignedRequest } from './signature';

/** How the caller proves its identity to API Gateway. `apigw.auth` in `serverless.yml` decides which way an API accepts. */
export type Authentication =
  /** IAM: signed with an access key of the account. */
  | {
      accessKey: string;
      secretKey: string;
      securityToken?: string | undefined;
      projectId?: string | undefined;
    }
  /** IAM: a token, sent as `X-Auth-Token`. */
  | { token: string }
  /** APP: signed with key and secret of an app (`npm run callers`). */
  | { appKey: string; appSecret: string }
  /** APP with simple authentication: sent as `X-Apig-AppCode`. */
  | { appCode: string };

/** The headers that identify the caller. */
export async function authenticationHeaders(
  who: Authentication | undefined,
  request: UnsignedRequest,
): Promise<Record<string, string>> {
  if (who === undefined) return {};
  if ('token' in who) return { 'x-auth-token': who.token };
  if ('appCode' in who) return { 'x-apig-appcode': who.appCode };
  if ('appKey' in who) return signRequest(request, { key: who.appKey, secret: who.appSecret }, Date.now());
  const { accessKey: key, secretKey: secret, ...more } = who;
  return signRequest(request, { key, secret, ...more }, Date.now());
}
