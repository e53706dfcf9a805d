import type { IncomingMessage } from 'node:http';
import { UsageError } from '../usage-error';
import { Refusal } from './errors';

/** Host names that only this machine can have: browsers never ask a name server about names below `localhost`. */
const OWN_HOST = /^(127\.0\.0\.1|localhost|[a-z0-9-]+(\.[a-z0-9-]+)*\.localhost|\[::1\])(:\d+)?$/i;

const MAX_AGE_SECONDS = 600;

/**
 * Refuses pages that the developer has not named. On a laptop every open page in a browser can send requests to this
 * machine, and a name server can give the machine a second name. Clients other than browsers send none of the headers
 * that are checked here.
 *
 * @param origins of the pages that may call the APIs, such as `http://localhost:3000`
 * @returns the origin of the page that sent the request, if the developer has named it
 * @throws Refusal 403
 */
export function admitPage(
  { headers, method }: IncomingMessage,
  origins: readonly string[],
): string | undefined {
  const { origin, host = '' } = headers;
  if (!OWN_HOST.test(host)) {
    throw refusal(
      `the host '${host}' is not a name of this machine: call http://127.0.0.1 or http://localhost`,
    );
  }
  // An <img> sends no Origin, but it sends its page as Referer.
  const page = origin ?? originOf(headers.referer);
  if (page !== undefined && page === `http://${host}`) return undefined;
  if (page !== undefined && origins.includes(page)) return page;
  const site = headers['sec-fetch-site'];
  const isElsewhere = site !== undefined && site !== 'same-origin' && site !== 'none';
  // The answer to a followed link is shown to the user; the page with the link cannot read it.
  const isLink =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  // Old browsers send neither Origin nor Sec-Fetch-Site with a form.
  const isForeign = isElsewhere || (page !== undefined && site === undefined);
  if (origin === undefined && (!isForeign || isLink)) return undefined;
  throw refusal(
    `the page ${page ?? 'that sent this request'} is not allowed: start the local cloud with --origin ${page ?? 'ITS_ORIGIN'} if it is yours`,
  );
}

/** The headers that let an allowed page read an answer. */
export function openTo(page: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  const isDecided = Object.keys(headers).some((name) => name.toLowerCase() === 'access-control-allow-origin');
  return {
    ...headers,
    vary: 'Origin',
    'access-control-expose-headers': 'X-Request-Id, Retry-After, Location',
    ...(!isDecided && { 'access-control-allow-origin': page }),
  };
}

/** The answer to the preflight of an allowed page. */
export function preflightFor(
  page: string,
  { headers }: IncomingMessage,
): { status: 204; headers: Record<string, string> } {
  const wanted = headers['access-control-request-headers'];
  return {
    status: 204,
    headers: {
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST, DELETE',
      ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
      'access-control-max-age': String(MAX_AGE_SECONDS),
      vary: 'Origin',
    },
  };
}

/**
 * Reads origins from the command line.
 * @throws UsageError
 */
export function parseOrigins(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const origin = /^https?:\/\//.test(text) ? originOf(text) : undefined;
    if (origin !== undefined && [origin, `${origin}/`].includes(text.toLowerCase())) return origin;
    throw new UsageError(
      `--origin must be scheme, host and port of a page, such as http://localhost:3000, got "${text}"`,
    );
  });
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}

function refusal(message: string): Refusal {
  return new Refusal(403, 'APIG.0304', `Not allowed in the local cloud: ${message}.`);
}
