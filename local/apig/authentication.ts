import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock';
import type { ApiRoute } from '../functiongraph/functiongraph';
import { DOMAIN_ID, DOMAIN_NAME } from '../iam/agencies';
import { type ReceivedRequest, single } from '../iam/canonical-request';
import type { Credentials } from '../iam/credentials';
import { type KeyRing, type RefusalWording, verifySdkSignature } from '../iam/sdk-signature';
import type { AccessBook, App } from './access-book';
import { Refusal } from './errors';

/** The caller, as far as the gateway knows it. */
export interface Caller {
  appId?: string | undefined;
  /** Account ("domain") of an IAM user. */
  accountId?: string | undefined;
  accountName?: string | undefined;
  /** IP address of the connection. */
  address: string;
}

/** What decides whether a request may call an API. */
export interface Gate {
  credentials: Credentials;
  access: AccessBook;
  /** True if APIs accept an app code instead of a signature ("simple authentication"). */
  takesAppCodes: boolean;
  clock: Clock;
}

/** The texts of APIG.0303 (API Request Signing Guide, "app authentication information is incorrect"). */
const APP_WORDING: RefusalWording = {
  unknownKey: (key) => `app not found, appkey ${key}`,
  expired: (signedAt, serverTime) =>
    `signature expired, signature time:${signedAt},server time:${serverTime}`,
  mismatch: (canonicalRequest) => `verify signature fail, canonicalRequest:${canonicalRequest}`,
};

/**
 * Finds out who sends a request, by the authentication of the API.
 * @throws Refusal 401, and 403 for an app that is not authorized for the API
 */
export function authenticate(
  { auth, apiId, envId }: Pick<ApiRoute, 'auth' | 'apiId' | 'envId'>,
  request: ReceivedRequest & { clientIp: string },
  gate: Gate,
): Caller {
  const address = request.clientIp;
  if (auth === 'NONE') return { address };
  if (auth === 'IAM') return { ...userOf(request, gate), address };
  const app = appOf(request, gate);
  if (gate.access.authorizationOf(app.id, apiId, envId) === undefined) {
    throw new Refusal(403, 'APIG.0304', 'The app is not authorized to access the API.');
  }
  // All apps of a gateway belong to its account.
  return { appId: app.id, accountId: DOMAIN_ID, accountName: DOMAIN_NAME, address };
}

/** Accepts a token in `X-Auth-Token`, or a signature with an access key. */
function userOf(request: ReceivedRequest, { credentials, clock }: Gate): Omit<Caller, 'address'> {
  const value = single(request.headers['x-auth-token']);
  if (value === undefined) {
    const verdict = verifySdkSignature(request, credentials, clock);
    if (!verdict.ok) throw wrongUser(verdict.reason);
    const { domainId = DOMAIN_ID, domainName = DOMAIN_NAME } = verdict.key;
    return { accountId: domainId, accountName: domainName };
  }
  const token = credentials.findToken(value);
  if (token === undefined) throw wrongUser('decrypt token fail');
  if (credentials.isExpired(token)) throw new Refusal(401, 'APIG.0307', 'The token must be updated.');
  return { accountId: DOMAIN_ID, accountName: DOMAIN_NAME };
}

/** Accepts a signature with the app's key and secret or, if the API allows it, an app code in `X-Apig-AppCode`. */
function appOf(request: ReceivedRequest, { access, takesAppCodes, clock }: Gate): App {
  const apps = [...access.apps.values()];
  const appCode = takesAppCodes ? single(request.headers['x-apig-appcode']) : undefined;
  const app =
    appCode === undefined
      ? signerOf(request, apps, clock)
      : apps.find(({ codes }) => codes.some(({ code }) => isSame(code, appCode)));
  // The refusal never repeats the code: unlike an app's key, it is a secret.
  if (app === undefined) throw wrongApp('app not found');
  return app;
}

function signerOf(request: ReceivedRequest, apps: readonly App[], clock: Clock): App | undefined {
  const verdict = verifySdkSignature(request, keyRingOf(apps), clock, APP_WORDING);
  if (!verdict.ok) throw wrongApp(verdict.reason);
  return apps.find(({ key }) => key === verdict.key.accessKey);
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

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const wrongUser = (reason: string) =>
  new Refusal(401, 'APIG.0301', `Incorrect IAM authentication information: ${reason}`);

const wrongApp = (reason: string) =>
  new Refusal(401, 'APIG.0303', `Incorrect app authentication information: ${reason}`);
