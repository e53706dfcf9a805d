import { type CanonicalRequest, formatCanonicalRequest, sha256Hex } from './canonical-request';

/** Where two canonical requests differ. */
export interface Difference {
  /** Number of the line, counted from 1. */
  line: number;
  /** What the client signed; empty if it has no such line. */
  client: string;
  /** What the gateway expects; empty if it has no such line. */
  gateway: string;
  /** In whole sentences: the likely cause, and what to do. */
  explanation: string;
}

/** The first line in which two canonical requests differ, and the likely cause. Undefined if they are equal. */
export function differenceOf(client: CanonicalRequest, gateway: CanonicalRequest): Difference | undefined {
  const [ours, theirs] = [client, gateway].map((one) => formatCanonicalRequest(one).split('\n'));
  if (ours === undefined || theirs === undefined) return undefined;
  const index = Array.from({ length: Math.max(ours.length, theirs.length) }).findIndex(
    (_, line) => ours[line] !== theirs[line],
  );
  if (index < 0) return undefined;
  return {
    line: index + 1,
    client: ours[index] ?? '',
    gateway: theirs[index] ?? '',
    explanation: explain(client, gateway),
  };
}

function explain(client: CanonicalRequest, gateway: CanonicalRequest): string {
  if (client.method !== gateway.method) return explainMethod(client.method, gateway.method);
  if (client.path !== gateway.path) return explainPath(client.path, gateway.path);
  if (client.query !== gateway.query) return explainQuery(client.query, gateway.query);
  for (const [index, line] of gateway.headers.entries()) {
    const signed = client.headers[index] ?? '';
    if (signed !== line) return explainHeader(signed, line);
  }
  if (client.headers.length !== gateway.headers.length || client.signedHeaders !== gateway.signedHeaders) {
    return explainSignedHeaders(client.signedHeaders, gateway.signedHeaders);
  }
  return explainBody(client.bodyHash, gateway.bodyHash);
}

function explainMethod(client: string, gateway: string): string {
  if (client.toUpperCase() === gateway.toUpperCase()) return 'The method must be signed in capitals.';
  return `The client signed ${client} and sent ${gateway}: a redirect or a proxy may have changed it.`;
}

function explainPath(client: string, gateway: string): string {
  if (`${client}/` === gateway) {
    return 'The trailing slash is missing: the canonical path always ends with a slash, even if the request has none.';
  }
  if (client === `${gateway}/`) return 'The canonical path ends with one slash, the client signed two.';
  const withSlash = client.endsWith('/') ? client : `${client}/`;
  if (decoded(withSlash) === decoded(gateway)) {
    return 'The encoding of the path differs: each part is percent-encoded once, all but A–Z a–z 0–9 - _ . ~, and the slashes stay.';
  }
  if (decoded(decoded(withSlash)) === decoded(gateway)) {
    return 'The path is encoded twice: sign the decoded path, or leave out the second encoding.';
  }
  return 'The client signed another path than it sent: look for a base path, a redirect or a proxy that changes it.';
}

function explainQuery(client: string, gateway: string): string {
  if (sorted(client) === sorted(gateway)) {
    return 'The order of the query differs: sort the parameters by name, and the values of a repeated one.';
  }
  const plain = (query: string) =>
    sorted(query, (part) => decoded(part.replaceAll('+', ' ')).replace(/=$/, ''));
  if (plain(client) === plain(gateway)) {
    return 'The encoding of the query differs: names and values are percent-encoded (a space is %20, not +), and a parameter without value keeps its "=".';
  }
  if (client === '') return 'The query is not signed: it belongs in the third line, sorted and encoded.';
  return 'The client signed other query parameters than it sent: look for a parameter that was added, dropped or joined after signing.';
}

function explainHeader(client: string, gateway: string): string {
  const [name, value] = partsOf(gateway);
  const [signedName, signedValue] = partsOf(client);
  if (name !== signedName) {
    if (name.toLowerCase() === signedName.toLowerCase())
      return `The name of the header ${name} must be in lower case.`;
    return `The client signed the header ${signedName || '(none)'} where the gateway reads ${name}: sort headers by name, in the same order as in SignedHeaders.`;
  }
  if (value === signedValue.trim())
    return `The value of the header ${name} is not trimmed: sign it without spaces around it.`;
  if (name !== 'host') {
    return `The header ${name} was changed after signing: sign the value that is sent, or do not sign this header.`;
  }
  const [host, signedHost] = [value, signedValue].map((text) => text.replace(/:\d+$/, ''));
  if (host === signedHost) {
    return `The port in the host header differs: sign exactly what is sent, "${value}" (with a port only if it is not the default one).`;
  }
  return `The client signed the host ${signedValue} and sent the request to ${value}: look for a proxy or a custom domain name.`;
}

function explainSignedHeaders(client: string, gateway: string): string {
  const names = client.split(';');
  const missing = gateway.split(';').filter((name) => !names.includes(name));
  if (missing.length > 0) return `Not signed by the client: ${missing.join(', ')}.`;
  return 'The list of signed headers differs from SignedHeaders in the Authorization header: same names, lower case, sorted.';
}

function explainBody(client: string, gateway: string): string {
  const [none, braces] = [sha256Hex(''), sha256Hex('{}')];
  if (client.toLowerCase() === gateway) return 'The hash of the body must be in lower-case digits.';
  if (gateway === none && client === braces) {
    return 'The client signed the body {} and sent none: sign no body with GET and DELETE.';
  }
  if (gateway === none) return 'The client signed a body and sent none.';
  if (client === none) return 'The client signed no body and sent one: hash the bytes of the body.';
  if (client === 'UNSIGNED-PAYLOAD') {
    return 'The client signed UNSIGNED-PAYLOAD: then it must also send X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD.';
  }
  return 'The bytes of the body differ: hash exactly the bytes that are sent (same JSON text, same line ends, UTF-8), after any serialisation.';
}

function partsOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

function sorted(query: string, map = (part: string) => part): string {
  return query.split('&').map(map).sort().join('&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
