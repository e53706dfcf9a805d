import type { CorsRule } from './object-store';

/** What a browser announces before a request from another origin, or sends with it. */
export interface CorsRequest {
  origin: string;
  method: string;
  /** Header names in lower case. */
  headers: readonly string[];
}

/** The headers that allow this request; undefined if no rule of the bucket allows it. */
export function corsHeaders(
  rules: readonly CorsRule[],
  request: CorsRequest,
): Record<string, string> | undefined {
  const rule = rules.find(
    ({ allowedOrigins, allowedMethods, allowedHeaders }) =>
      allowedOrigins.some((pattern) => matches(pattern, request.origin)) &&
      allowedMethods.includes(request.method) &&
      request.headers.every((name) => allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), name))),
  );
  if (rule === undefined) return undefined;
  return {
    'access-control-allow-origin': request.origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(request.headers.length > 0 && { 'access-control-allow-headers': request.headers.join(', ') }),
    ...(rule.exposeHeaders.length > 0 && { 'access-control-expose-headers': rule.exposeHeaders.join(', ') }),
    ...(rule.maxAgeSeconds !== undefined && { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    vary: 'Origin',
  };
}

/** A pattern may contain one `*`, which stands for any text. */
function matches(pattern: string, text: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return pattern === text;
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}
