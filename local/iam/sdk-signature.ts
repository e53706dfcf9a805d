import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock';
import {
  canonicalRequestOf,
  formatCanonicalRequest,
  type ReceivedRequest,
  sha256Hex,
  signatureOf,
  single,
  UNSIGNED_PAYLOAD,
} from './canonical-request';
import type { AccessKey, Credentials } from './credentials';

export type SdkSignatureVerdict =
  | { ok: true; key: AccessKey }
  | { ok: false; reason: string; canonicalRequest?: string };

/** How far the time of a signature may be from the server's, in both directions (seen in refusals of the service). */
export const MAX_SKEW_MS = 15 * 60 * 1000;
export const AUTHORIZATION =
  /^SDK-HMAC-SHA256 Access=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/** Where a verifier finds keys. */
export type KeyRing = Pick<Credentials, 'find' | 'isExpired'>;

/** The texts of refusals that differ between IAM and app authentication. */
export interface RefusalWording {
  unknownKey(accessKey: string): string;
  /** Both times in the form of `X-Sdk-Date`. */
  expired(signedAt: string, serverTime: string): string;
  /** The canonical request, with `|` between its lines. */
  mismatch(canonicalRequest: string): string;
}

const IAM_WORDING: RefusalWording = {
  unknownKey: (accessKey) => `ak ${accessKey} not exist`,
  expired: (signedAt, serverTime) =>
    `calc aksk signature fail:signature expired, signature time:${signedAt},server time:${serverTime}`,
  mismatch: (canonicalRequest) => `verify aksk signature fail, canonicalRequest:${canonicalRequest}`,
};

/**
 * Checks an SDK-HMAC-SHA256 signature with the steps of the vendor's own signer on the received bytes. The refusals
 * have API Gateway's texts and contain the canonical request, so that the caller can compare.
 * @param wording texts of the refusals; default: those of IAM authentication
 */
export function verifySdkSignature(
  request: ReceivedRequest,
  keys: KeyRing,
  clock: Clock,
  wording: RefusalWording = IAM_WORDING,
): SdkSignatureVerdict {
  const authorization = single(request.headers.authorization);
  if (authorization === undefined) return { ok: false, reason: 'no authorization header' };
  const match = AUTHORIZATION.exec(authorization);
  if (match === null) return { ok: false, reason: 'authorization header is malformed' };
  const [, accessKey = '', signedHeaders = '', signature = ''] = match;

  const key = keys.find(accessKey);
  if (key === undefined) return { ok: false, reason: wording.unknownKey(accessKey) };
  const date = single(request.headers['x-sdk-date']) ?? '';
  const signedAtMs = parseSdkDate(date);
  if (signedAtMs === undefined) return { ok: false, reason: 'x-sdk-date is missing or malformed' };
  if (Math.abs(clock() - signedAtMs) > MAX_SKEW_MS) {
    return { ok: false, reason: wording.expired(date, formatSdkDate(clock())) };
  }
  const names = signedHeaders.split(';');
  for (const required of ['host', 'x-sdk-date']) {
    if (!names.includes(required)) return { ok: false, reason: `header ${required} is not signed` };
  }
  const token = single(request.headers['x-security-token']);
  if (
    key.securityToken !== undefined &&
    (token !== key.securityToken || !names.includes('x-security-token'))
  ) {
    return { ok: false, reason: 'security token is missing, not signed or not the one issued with the ak' };
  }
  if (keys.isExpired(key)) return { ok: false, reason: 'security token has expired' };

  const bodyHash = sha256Hex(request.body);
  const sentHash = single(request.headers['x-sdk-content-sha256']) ?? bodyHash;
  if (sentHash !== UNSIGNED_PAYLOAD && sentHash !== bodyHash) {
    return { ok: false, reason: 'x-sdk-content-sha256 is not the hash of the body' };
  }
  const canonicalRequest = formatCanonicalRequest(canonicalRequestOf(request, signedHeaders));
  const expected = signatureOf(canonicalRequest, date, key.secretKey);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature))) {
    return {
      ok: false,
      reason: wording.mismatch(canonicalRequest.replaceAll('\n', '|')),
      canonicalRequest,
    };
  }
  return { ok: true, key };
}

/** Milliseconds since 1970 of a time such as `20261123T120000Z`; undefined if it is not such a time. */
export function parseSdkDate(date: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** A time in the form of `X-Sdk-Date`. */
export function formatSdkDate(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
