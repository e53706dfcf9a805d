import { type CanonicalRequest, type ReceivedRequest, sha256Hex, single } from './canonical-request';

/** What a client with one mistake signs instead of the right canonical request. */
type Mistake = (right: CanonicalRequest, request: ReceivedRequest) => Partial<CanonicalRequest>;

const MISTAKES: readonly Mistake[] = [
  ({ method }) => ({ method: method.toLowerCase() }),
  // Path
  ({ path }) => ({ path: path.replace(/\/$/, '') }),
  ({ path }) => ({ path: `${path}/` }),
  ({ path }) => ({ path: encodeOnceMore(path) }),
  ({ path }) => ({ path: decoded(path) }),
  (_, { rawUrl }) => ({ path: withSlash(rawUrl.split('?')[0] ?? '') }),
  ({ path }) => ({ path: withSlash(encodeURI(decoded(path))) }),
  ({ path }) => ({ path: withSlash(encodeURIComponent(decoded(path.replace(/\/$/, '')))) }),
  // Query
  () => ({ query: '' }),
  (_, { rawUrl }) => ({ query: queryIn(rawUrl) }),
  (_, { rawUrl }) => ({ query: queryIn(rawUrl).split('&').sort().join('&') }),
  (_, { rawUrl }) => ({ query: encodedPairs(rawUrl).join('&') }),
  (_, { rawUrl }) => ({ query: decoded(queryIn(rawUrl)) }),
  ({ query }) => ({ query: decoded(query) }),
  ({ query }) => ({ query: query.replaceAll('%20', '+') }),
  ({ query }) => ({ query: query.replace(/=(?=&|$)/g, '') }),
  ({ query }) => ({ query: query.replaceAll(/%(21|27|28|29|2A)/g, decoded) }),
  ({ query }) => ({ query: encodeOnceMore(query) }),
  // Headers
  ({ headers }, request) => ({ headers: headers.map((line) => untrimmed(line, request)) }),
  ({ headers }) => ({ headers: onHost(headers, (host) => host.replace(/:\d+$/, '')) }),
  ({ headers }) => ({ headers: onHost(headers, (host) => `${host}:443`) }),
  ({ headers }) => ({ headers: onHost(headers, (host) => `${host}:80`) }),
  ({ headers }) => ({ headers: headers.toReversed() }),
  ({ headers, signedHeaders }) => ({
    headers: headers.toSorted(),
    signedHeaders: signedHeaders.split(';').sort().join(';'),
  }),
  // Body
  () => ({ bodyHash: sha256Hex('') }),
  () => ({ bodyHash: sha256Hex('{}') }),
  () => ({ bodyHash: sha256Hex('null') }),
  () => ({ bodyHash: 'UNSIGNED-PAYLOAD' }),
  ({ bodyHash }) => ({ bodyHash: bodyHash.toUpperCase() }),
  (_, { body }) => ({ bodyHash: sha256Hex(JSON.stringify(body.toString())) }),
  (_, { body }) => ({ bodyHash: sha256Hex(body.toString().trim()) }),
  (_, { body }) => ({ bodyHash: sha256Hex(`${body}\n`) }),
  (_, { body }) => ({ bodyHash: sha256Hex(asJson(body)) }),
  (_, { body }) => ({ bodyHash: sha256Hex(asJson(body, 2)) }),
  // Python's json.dumps puts spaces after colons and commas.
  (_, { body }) => ({
    bodyHash: sha256Hex(
      asJson(body, 1)
        .replace(/\n */g, ' ')
        .replace(/([[{]) | ([\]}])/g, '$1$2'),
    ),
  }),
];

/** What clients with one or two usual mistakes would have signed for a request, likelier ones first. */
export function likelyMistakes(request: ReceivedRequest, right: CanonicalRequest): CanonicalRequest[] {
  const once = MISTAKES.map((mistake) => ({ ...right, ...mistake(right, request) }));
  const twice = MISTAKES.flatMap((mistake) =>
    once.map((wrong) => ({ ...wrong, ...mistake(wrong, request) })),
  );
  return [...once, ...twice];
}

function queryIn(rawUrl: string): string {
  return rawUrl.split(/\?(.*)/s)[1] ?? '';
}

/** Correctly encoded, but in the order of the URL. */
function encodedPairs(rawUrl: string): string[] {
  return [...new URLSearchParams(queryIn(rawUrl))].map(
    ([name, value]) => `${strictlyEncoded(name)}=${strictlyEncoded(value)}`,
  );
}

function strictlyEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeOnceMore(text: string): string {
  return text.replaceAll('%', '%25');
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

function untrimmed(line: string, { headers }: ReceivedRequest): string {
  const name = line.slice(0, line.indexOf(':'));
  return `${name}:${single(headers[name]) ?? ''}`;
}

function onHost(headers: string[], change: (host: string) => string): string[] {
  return headers.map((line) => (line.startsWith('host:') ? `host:${change(line.slice(5))}` : line));
}

function asJson(body: Buffer, indent = 0): string {
  try {
    return JSON.stringify(JSON.parse(body.toString()), undefined, indent);
  } catch {
    return body.toString();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
