import { diagnoseAwsSignature, isAwsCase } from './aws-signature-doctor';
import {
  type CanonicalRequest,
  canonicalRequestOf,
  formatCanonicalRequest,
  parseCanonicalRequest,
  type ReceivedRequest,
  sha256Hex,
  signatureOf,
  single,
  UNSIGNED_PAYLOAD,
} from './canonical-request';
import { differenceOf } from './canonical-request-difference';
import type { Diagnosis, SignatureCase } from './diagnosis';
import { AUTHORIZATION, formatSdkDate, MAX_SKEW_MS, parseSdkDate } from './sdk-signature';
import { likelyMistakes } from './signing-mistakes';

/**
 * Finds out why a gateway refuses an SDK-HMAC-SHA256 signature, or OBS one of AWS version 4.
 *
 * With a refusal, it compares the canonical request in it with the client's. With a request, it computes the signature
 * again. If the signature is wrong and the client's canonical request is unknown, it tries the usual mistakes until one
 * gives the client's signature.
 *
 * @param secretKey of the access key in the request; not needed with a refusal and the client's canonical request
 * @param nowMs when the request arrived, in milliseconds since 1970
 */
export function diagnoseSignature(
  signatureCase: SignatureCase,
  options: { secretKey: string; nowMs: number },
): Diagnosis {
  if (isAwsCase(signatureCase)) return diagnoseAwsSignature(signatureCase, options);
  const { request, refusal, canonicalRequest } = signatureCase;
  const { secretKey, nowMs } = options;
  const known = refusal === undefined ? undefined : diagnoseRefusal(refusal);
  if (known !== undefined) return known;
  const client = canonicalRequest === undefined ? undefined : parseCanonicalRequest(canonicalRequest);
  if (canonicalRequest !== undefined && client === undefined) {
    return wrong('canonicalRequest has fewer than six lines: give the whole text that the client signed.');
  }
  const gateway = canonicalRequestIn(refusal);
  if (gateway !== undefined && client !== undefined) return compare(client, gateway);
  if (request !== undefined) return diagnoseRequest(request, client, secretKey, nowMs);
  return wrong(
    gateway === undefined
      ? 'The refusal names no canonical request: give the request itself (method, url, headers, body).'
      : 'The refusal shows what the gateway expects. Give what the client signed as canonicalRequest, or the request itself.',
  );
}

/** Refusals that name their cause. */
function diagnoseRefusal(refusal: string): Diagnosis | undefined {
  const expired = /signature expired, ?signature time:(\w+),\s*server time:(\w+)/.exec(refusal);
  if (expired !== null) {
    const [signedAtMs = 0, serverMs = 0] = expired.slice(1).map((time) => parseSdkDate(time));
    return wrongTime(signedAtMs, serverMs);
  }
  const unknown = /app not found, appkey (\S+)|\bak[ :](\S+?)(?:,err:ak)? not exist/.exec(refusal);
  if (unknown === null) return undefined;
  return wrong(
    `The gateway does not know the access key ${unknown[1] ?? unknown[2]}: check it, the region and the account.`,
  );
}

function canonicalRequestIn(refusal: string | undefined): CanonicalRequest | undefined {
  const text = /canonicalRequest:(.+)$/s.exec(refusal ?? '')?.[1];
  return text === undefined ? undefined : parseCanonicalRequest(text.trim());
}

function compare(client: CanonicalRequest, gateway: CanonicalRequest): Diagnosis {
  const difference = differenceOf(client, gateway);
  if (difference !== undefined) return { isRight: false, explanation: difference.explanation, difference };
  return wrong(
    'Client and gateway agree on the canonical request: the secret key does not belong to the access key, or the string to sign or the HMAC is made differently.',
  );
}

function diagnoseRequest(
  request: ReceivedRequest,
  client: CanonicalRequest | undefined,
  secretKey: string,
  nowMs: number,
): Diagnosis {
  const authorization = single(request.headers.authorization);
  if (authorization === undefined) return wrong('The request has no Authorization header.');
  const [, accessKey, signedHeaders, signature] = AUTHORIZATION.exec(authorization.trim()) ?? [];
  if (accessKey === undefined || signedHeaders === undefined || signature === undefined) {
    return wrong(
      'The Authorization header must read "SDK-HMAC-SHA256 Access=…, SignedHeaders=a;b, Signature=…" with 64 lower-case hexadecimal digits.',
    );
  }
  const date = (single(request.headers['x-sdk-date']) ?? '').trim();
  const signedAtMs = parseSdkDate(date);
  if (signedAtMs === undefined) {
    return wrong(`X-Sdk-Date must be a UTC time such as 20261123T120000Z, got "${date}".`);
  }
  const missing = missingHeader(request, accessKey, signedHeaders.split(';'));
  if (missing !== undefined) return wrong(missing);

  const expected = canonicalRequestOf(request, signedHeaders);
  const signs = (candidate: CanonicalRequest) =>
    signatureOf(formatCanonicalRequest(candidate), date, secretKey) === signature;
  if (expected.bodyHash !== UNSIGNED_PAYLOAD) {
    const ofBody = differenceOf(expected, { ...expected, bodyHash: sha256Hex(request.body) });
    if (ofBody !== undefined) {
      return {
        isRight: false,
        explanation: `X-Sdk-Content-Sha256: ${ofBody.explanation}`,
        difference: ofBody,
      };
    }
  }
  if (!signs(expected)) {
    if (client !== undefined) return compare(client, expected);
    const signed = likelyMistakes(request, expected).find(signs);
    if (signed !== undefined) return compare(signed, expected);
    return wrong(
      `The signature matches neither the request nor a usual mistake: the secret key is probably not that of ${accessKey}, or the request was changed after signing. Give what the client signed as canonicalRequest to see where.`,
    );
  }
  if (Math.abs(nowMs - signedAtMs) > MAX_SKEW_MS) return wrongTime(signedAtMs, nowMs);
  return { isRight: true, explanation: 'The signature is right.' };
}

/** Without these headers a gateway refuses every signature. */
function missingHeader(request: ReceivedRequest, accessKey: string, names: string[]): string | undefined {
  for (const name of ['host', 'x-sdk-date']) {
    if (!names.includes(name)) return `The header ${name} is not signed: it must be in SignedHeaders.`;
  }
  const hasToken = request.headers['x-security-token'] !== undefined;
  // Temporary access keys of IAM begin with HST.
  if (!hasToken && accessKey.startsWith('HST')) {
    return `The access key ${accessKey} is a temporary one: send its security token in X-Security-Token and sign that header.`;
  }
  if (hasToken && !names.includes('x-security-token')) {
    return 'The header x-security-token is sent but not signed: it must be in SignedHeaders.';
  }
  const absent = names.find((name) => request.headers[name] === undefined);
  if (absent !== undefined) {
    return `The header ${absent} is signed but not sent: a client or proxy in between removed it, or it was signed by mistake.`;
  }
  return undefined;
}

function wrongTime(signedAtMs: number, serverMs: number): Diagnosis {
  const minutes = Math.round(Math.abs(serverMs - signedAtMs) / 60_000);
  const side = signedAtMs < serverMs ? 'before' : 'after';
  return wrong(
    `The request was signed ${minutes} min ${side} it arrived (${formatSdkDate(signedAtMs)}, ${formatSdkDate(serverMs)}); gateways accept 15 min. Set the clock of the client, and sign each request again just before it is sent.`,
  );
}

function wrong(explanation: string): Diagnosis {
  return { isRight: false, explanation };
}
