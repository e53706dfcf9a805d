import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock';
import type { ApiRoute } from '../functiongraph/functiongraph';
import { type ReceivedRequest, single } from '../iam/canonical-request';
import type { Credentials } from '../iam/credentials';
import { type KeyRing, type RefusalWording, verifySdkSignature } from '../iam/sdk-signature';
import { Refusal } from './errors';

/** A credential of API Gateway ("app") that may call every API with authentication APP. */
export interface App {
  key: string;
  secret: string;
  /** What the app may send in `X-Apig-AppCode` in place of a signature. */
  appCode?: string;
}

/** The sentences of APIG.0303 (API Request Signing Guide, "app authentication information is incorrect"). */
const APP_WORDING: RefusalWording = {
  unknownKey: (key) => `app not found, appkey ${key}`,
  expired: (signedAt, serverTime) =>
    `signature expired, signature time:${signedAt},server time:${serverTime}`,
  mismatch: (canonicalRequest) => `verify signature fail, canonicalRequest:${canonicalRequest}`,
};

/**
 * Lets a request pass that proves who sends it in the way that the API asks for.
 * @throws Refusal 401
 */
export function authenticate(
  auth: ApiRoute['auth'],
  request: ReceivedRequest,
  { credentials, apps, clock }: { credentials: Credentials; apps: readonly App[]; clock: Clock },
): void {
  if (auth === 'IAM') authenticateUser(request, credentials, clock);
  if (auth === 'APP') authenticateApp(request, apps, clock);
}

/** A token in `X-Auth-Token`, or a signature with an access key. */
function authenticateUser(request: ReceivedRequest, credentials: Credentials, clock: Clock): void {
  const value = single(request.headers['x-auth-token']);
  if (value === undefined) {
    const verdict = verifySdkSignature(request, credentials, clock);
    if (!verdict.ok) throw wrongUser(verdict.reason);
    return;
  }
  const token = credentials.findToken(value);
  if (token === undefined) throw wrongUser('decrypt token fail');
  if (credentials.isExpired(token)) throw new Refusal(401, 'APIG.0307', 'The token must be updated.');
}

/** An app code in `X-Apig-AppCode`, or a signature with an app's key and secret. */
function authenticateApp(request: ReceivedRequest, apps: readonly App[], clock: Clock): void {
  const appCode = single(request.headers['x-apig-appcode']);
  if (appCode === undefined) {
    const verdict = verifySdkSignature(request, keyRingOf(apps), clock, APP_WORDING);
    if (!verdict.ok) throw wrongApp(verdict.reason);
    return;
  }
  // The refusal never repeats the code: it is a secret, unlike an app's key.
  if (!apps.some((app) => isSame(app.appCode, appCode))) throw wrongApp('app not found');
}

function keyRingOf(apps: readonly App[]): KeyRing {
  return {
    find(key) {
      const app = apps.find((one) => one.key === key);
      return app && { accessKey: app.key, secretKey: app.secret, projectId: '' };
    },
    isExpired: () => false,
  };
}

function isSame(expected: string | undefined, given: string): boolean {
  const [a, b] = [Buffer.from(expected ?? ''), Buffer.from(given)];
  return expected !== undefined && a.length === b.length && timingSafeEqual(a, b);
}

const wrongUser = (reason: string) =>
  new Refusal(401, 'APIG.0301', `Incorrect IAM authentication information: ${reason}`);

const wrongApp = (reason: string) =>
  new Refusal(401, 'APIG.0303', `Incorrect app authentication information: ${reason}`);
