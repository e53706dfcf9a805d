import {
  AWS_UNSIGNED_PAYLOAD,
  type AwsAuthorization,
  type AwsSignableRequest,
  awsCanonicalRequest,
  awsSignature,
  awsSigningKey,
  awsStringToSign,
  formatAwsDate,
  MAX_AWS_EXPIRES_SECONDS,
  parseAwsAuthorization,
  parseAwsDate,
  parseAwsParameters,
  sha256,
  uriEncode,
} from './aws-signature';
import {
  type CanonicalRequest,
  formatCanonicalRequest,
  parseCanonicalRequest,
  type ReceivedRequest,
  single,
} from './canonical-request';
import { type Difference, differenceOf } from './canonical-request-difference';
import type { Diagnosis, SignatureCase } from './diagnosis';
import { MAX_SKEW_MS } from './sdk-signature';
import { likelyMistakes } from './signing-mistakes';

/** A request to OBS. The body is absent if it was not kept. */
export type AwsReceivedRequest = Omit<ReceivedRequest, 'body'> & { body?: Buffer };

/** What is known about the request. At least `request` or `refusal` is needed. */
export type AwsSignatureCase = Omit<SignatureCase, 'request'> & { request?: AwsReceivedRequest };

/** Whether this is an OBS request with an AWS version 4 signature, or the refusal of one. */
export function isAwsCase({ request, refusal }: AwsSignatureCase): boolean {
  if (request !== undefined) {
    const authorization = single(request.headers.authorization);
    return authorization === undefined
      ? /[?&]X-Amz-Algorithm=/.test(request.rawUrl)
      : authorization.startsWith('AWS4-');
  }
  return refusal !== undefined && elementOf(refusal, 'Code') !== undefined;
}

/** The access key of a request's signature; undefined if the signature cannot be read. */
export function awsAccessKeyOf(request: AwsReceivedRequest): string | undefined {
  return authorizationIn(request)?.credential.accessKey;
}

/**
 * Finds out why OBS refuses a signature of AWS version 4: from the refusal (XML) if it names the cause, or by signing
 * the request again.
 *
 * @param secretKey of the access key in the request
 * @param nowMs when the request arrived, in milliseconds since 1970
 */
export function diagnoseAwsSignature(
  { request, refusal, canonicalRequest }: AwsSignatureCase,
  { secretKey, nowMs }: { secretKey: string; nowMs: number },
): Diagnosis {
  const known = refusal === undefined ? undefined : diagnoseRefusal(refusal);
  if (known !== undefined) return known;
  const client = canonicalRequest === undefined ? undefined : parseCanonicalRequest(canonicalRequest);
  if (canonicalRequest !== undefined && client === undefined) {
    return wrong('canonicalRequest has fewer than six lines: give the whole text that the client signed.');
  }
  const service = parseCanonicalRequest(elementOf(refusal ?? '', 'CanonicalRequest') ?? '');
  if (client !== undefined && service !== undefined) return compare(client, service);
  if (request !== undefined) return diagnoseRequest(request, client, secretKey, nowMs);
  return wrong(
    service === undefined
      ? 'The refusal shows no canonical request: give the request itself (method, url, headers, body).'
      : 'The refusal shows what OBS expects. Give what the client signed as canonicalRequest, or the request itself.',
  );
}

/** Refusals that name their cause. */
function diagnoseRefusal(refusal: string): Diagnosis | undefined {
  const element = (name: string) => elementOf(refusal, name) ?? '';
  switch (element('Code')) {
    case 'RequestTimeTooSkewed':
      return wrongTime(Date.parse(isoOf(element('RequestTime'))), Date.parse(element('ServerTime')));
    case 'InvalidAccessKeyId':
      return wrong(
        `OBS does not know the access key ${element('AccessKeyId')}, or it is a temporary one and its security token is missing or wrong: send x-amz-security-token and sign it.`,
      );
    case 'AuthorizationHeaderMalformed':
    case 'AuthorizationQueryParametersError':
    case 'MissingRegion':
      return wrong(
        element('Region') === ''
          ? element('Message')
          : `${element('Message')} Set the region of the client to '${element('Region')}': it is part of what is signed.`,
      );
    case 'XAmzContentSHA256Mismatch':
      return wrong(
        element('ClientComputedContentSHA256').startsWith('STREAMING-') ? TRAILING_CHECKSUM : OTHER_BODY,
      );
    case 'AccessDenied':
      return wrong(
        element('HeadersNotSigned') === ''
          ? element('Message')
          : `Sent, but not signed: ${element('HeadersNotSigned')}. Every x-amz-* header and the host must be in SignedHeaders.`,
      );
    default:
      return undefined;
  }
}

const TRAILING_CHECKSUM =
  'The client sends its body in chunks with a trailing checksum, as AWS SDKs do since 2025, and OBS takes the name of this method for a hash: set requestChecksumCalculation (or AWS_REQUEST_CHECKSUM_CALCULATION) to WHEN_REQUIRED.';
const OTHER_BODY =
  'The bytes of the body differ from those behind x-amz-content-sha256: hash exactly the bytes that are sent, or send UNSIGNED-PAYLOAD.';

function diagnoseRequest(
  request: AwsReceivedRequest,
  client: CanonicalRequest | undefined,
  secretKey: string,
  nowMs: number,
): Diagnosis {
  const authorization = authorizationIn(request);
  if (authorization === undefined) {
    return wrong(
      'The signature cannot be read: it needs Credential=AccessKeyID/20261123/region/s3/aws4_request, SignedHeaders=a;b and Signature= with 64 hexadecimal digits in lower case, in the header Authorization or as X-Amz-… in the URL.',
    );
  }
  const signable = signableOf(request);
  const isUrl = !signable.headers.has('authorization');
  const dateTime = (isUrl ? parameterOf(request, 'X-Amz-Date') : signable.headers.get('x-amz-date')) ?? '';
  const signedAtMs = parseAwsDate(dateTime);
  if (signedAtMs === undefined) {
    return wrong(`X-Amz-Date must be a UTC time such as 20261123T120000Z, got "${dateTime}".`);
  }
  const { signedHeaders, credential, signature } = authorization;
  const unsigned = [...signable.headers.keys()].filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    return wrong(
      `Sent, but not signed: ${unsigned.join(', ')}. Every x-amz-* header and the host must be in SignedHeaders.`,
    );
  }
  const bodyHash = isUrl ? AWS_UNSIGNED_PAYLOAD : signable.headers.get('x-amz-content-sha256');
  if (bodyHash === undefined)
    return wrong('The header x-amz-content-sha256 is missing: send it and sign it.');

  const expected = awsCanonicalRequest(signable, signedHeaders, bodyHash);
  const signsWith = (candidate: CanonicalRequest, key: Buffer) =>
    awsSignature(key, awsStringToSign(formatCanonicalRequest(candidate), dateTime, credential)) === signature;
  const signingKey = awsSigningKey(secretKey, credential);
  if (!signsWith(expected, signingKey)) {
    if (client !== undefined) return compare(client, expected);
    const asReceived = { body: Buffer.alloc(0), ...request };
    const signed = [
      ...awsMistakes(expected, signable, request),
      ...likelyMistakes(asReceived, expected),
    ].find((candidate) => signsWith(candidate, signingKey));
    if (signed !== undefined) return compare(signed, expected);
    return wrong(
      `The signature matches neither the request nor a usual mistake: the secret key is probably not that of ${credential.accessKey}, the signing key was made for another day, region or service than ${credential.date}/${credential.region}/${credential.service}, or the request was changed after signing. Give what the client signed as canonicalRequest to see where.`,
    );
  }
  if (/^STREAMING-.*-TRAILER$/.test(bodyHash)) return wrong(TRAILING_CHECKSUM);
  if (/^[0-9a-f]{64}$/.test(bodyHash) && request.body !== undefined && sha256(request.body) !== bodyHash) {
    return wrong(OTHER_BODY);
  }
  return isUrl ? diagnoseLifetime(request, signedAtMs, nowMs) : diagnoseClock(signedAtMs, nowMs);
}

function diagnoseClock(signedAtMs: number, nowMs: number): Diagnosis {
  if (Math.abs(nowMs - signedAtMs) > MAX_SKEW_MS) return wrongTime(signedAtMs, nowMs);
  return { isRight: true, explanation: 'The signature is right.' };
}

function diagnoseLifetime(request: AwsReceivedRequest, signedAtMs: number, nowMs: number): Diagnosis {
  const expires = parameterOf(request, 'X-Amz-Expires') ?? '';
  const seconds = /^\d{1,9}$/.test(expires) ? Number(expires) : 0;
  if (seconds < 1 || seconds > MAX_AWS_EXPIRES_SECONDS) {
    return wrong(
      `X-Amz-Expires '${expires}' is invalid: it is a number of seconds from 1 to ${MAX_AWS_EXPIRES_SECONDS} (seven days).`,
    );
  }
  if (nowMs >= signedAtMs + seconds * 1000) {
    return wrong(
      `The URL was signed at ${formatAwsDate(signedAtMs)} for ${seconds} s and has expired: sign a new one.`,
    );
  }
  if (signedAtMs > nowMs + MAX_SKEW_MS) return wrongTime(signedAtMs, nowMs);
  return { isRight: true, explanation: 'The signature is right.' };
}

/** What clients sign that treat OBS as a slightly different service. */
function awsMistakes(
  right: CanonicalRequest,
  { rawPath }: AwsSignableRequest,
  request: AwsReceivedRequest,
): CanonicalRequest[] {
  const bucketInHost = (single(request.headers.host) ?? '').split('.')[0] ?? '';
  const [, , ...behindBucket] = right.path.split('/');
  const paths = [
    right.path.split('/').map(uriEncode).join('/'),
    rawPath,
    `/${bucketInHost}${right.path}`,
    `/${behindBucket.join('/')}`,
  ];
  const hashes = [
    AWS_UNSIGNED_PAYLOAD,
    sha256(''),
    ...(request.body === undefined ? [] : [sha256(request.body)]),
  ];
  return [
    ...paths.map((path) => ({ ...right, path })),
    ...hashes.map((bodyHash) => ({ ...right, bodyHash })),
  ];
}

function compare(client: CanonicalRequest, service: CanonicalRequest): Diagnosis {
  const difference = differenceOf(client, service);
  if (difference === undefined) {
    return wrong(
      'Client and OBS agree on the canonical request: the secret key does not belong to the access key, or the signing key ("AWS4" + secret key, then day, region, service, "aws4_request") or the string to sign is made differently.',
    );
  }
  const explained: Difference = { ...difference, explanation: explain(client, service, difference) };
  return { isRight: false, explanation: explained.explanation, difference: explained };
}

/** Uses the words of OBS where they differ from those of the platform's gateways. */
function explain(client: CanonicalRequest, service: CanonicalRequest, { explanation }: Difference): string {
  if (client.method !== service.method) return explanation;
  if (client.path !== service.path) {
    if (client.path.endsWith(service.path) || service.path.endsWith(client.path)) {
      return 'The bucket is in the signed path and not in the sent one, or the other way round: sign the path exactly as it is sent, "/key" if the bucket is in the host name, "/bucket/key" if it is not.';
    }
    if (client.path === service.path.split('/').map(uriEncode).join('/')) {
      return 'The path is encoded twice: for S3 it is encoded once (in SDKs: uriEscapePath false, or double encoding off).';
    }
    return 'The path differs: each part is percent-encoded once, all but A–Z a–z 0–9 - _ . ~, and the slashes stay.';
  }
  if (client.bodyHash !== service.bodyHash && client.signedHeaders === service.signedHeaders) {
    const isBodyOnly =
      formatCanonicalRequest({ ...client, bodyHash: '' }) ===
      formatCanonicalRequest({ ...service, bodyHash: '' });
    if (isBodyOnly) {
      return 'The last line differs: sign there what x-amz-content-sha256 says, and in a URL always UNSIGNED-PAYLOAD.';
    }
  }
  return explanation;
}

function authorizationIn(request: AwsReceivedRequest): AwsAuthorization | undefined {
  const authorization = single(request.headers.authorization);
  if (authorization !== undefined) return parseAwsAuthorization(authorization.trim());
  return parseAwsParameters(new Map(new URL(request.rawUrl, 'http://host').searchParams));
}

function parameterOf(request: AwsReceivedRequest, name: string): string | undefined {
  return new URL(request.rawUrl, 'http://host').searchParams.get(name) ?? undefined;
}

function signableOf({ method, rawUrl, headers }: AwsReceivedRequest): AwsSignableRequest {
  const [rawPath = '/', rawQuery = ''] = rawUrl.split(/\?(.*)/s);
  const joined = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
  );
  return { method, rawPath, rawQuery, headers: new Map(joined) };
}

function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>(.*?)</${name}>`, 's')
    .exec(xml)?.[1]
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

function isoOf(dateTime: string): string {
  const timeMs = parseAwsDate(dateTime);
  return timeMs === undefined ? dateTime : new Date(timeMs).toISOString();
}

function wrongTime(signedAtMs: number, serverMs: number): Diagnosis {
  const minutes = Math.round(Math.abs(serverMs - signedAtMs) / 60_000);
  const side = signedAtMs < serverMs ? 'before' : 'after';
  return wrong(
    `The request was signed ${minutes} min ${side} it arrived (${formatAwsDate(signedAtMs)}, ${formatAwsDate(serverMs)}); OBS accepts 15 min. Set the clock of the client, and sign each request again just before it is sent.`,
  );
}

function wrong(explanation: string): Diagnosis {
  return { isRight: false, explanation };
}
