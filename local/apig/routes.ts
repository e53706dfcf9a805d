import type { ApiRoute } from '../functiongraph/functiongraph';

export interface RouteMatch {
  route: ApiRoute;
  /** Decoded values of `{name}` parts. What follows a prefix match has the empty name, as captured. */
  pathParameters: Record<string, string>;
}

/**
 * The APIs that a host publishes: those of the group whose sub-domain it is (`<group id>.localhost`), else all.
 *
 * @param host value of the Host header
 */
export function routesOfHost(routes: readonly ApiRoute[], host: string): readonly ApiRoute[] {
  const [subdomain] = host.split('.');
  const own = routes.filter(({ groupId }) => groupId === subdomain);
  return own.length > 0 ? own : routes;
}

/**
 * The published API that a request calls. If several match, the most specific one: more fixed parts come first, then a
 * whole path before a prefix, then a named method before ANY.
 *
 * @param pathname path as received, still percent-encoded
 * @throws URIError if the path is not well-formed percent-encoding
 */
export function matchRoute(
  routes: readonly ApiRoute[],
  method: string,
  pathname: string,
): RouteMatch | undefined {
  const segments = segmentsOf(pathname).map(decodeURIComponent);
  const matches: RouteMatch[] = [];
  for (const route of routes) {
    if (route.method !== 'ANY' && route.method !== method) continue;
    const pathParameters = parametersOf(route, segments);
    if (pathParameters !== undefined) matches.push({ route, pathParameters });
  }
  return matches.sort((a, b) => compareSpecificity(a.route, b.route))[0];
}

/** True if a path has a published API of any method. The path is still percent-encoded. */
export function isPublishedPath(routes: readonly ApiRoute[], pathname: string): boolean {
  const segments = segmentsOf(pathname).map(decodeURIComponent);
  return routes.some((route) => parametersOf(route, segments) !== undefined);
}

function parametersOf(route: ApiRoute, segments: string[]): Record<string, string> | undefined {
  const parts = segmentsOf(route.path);
  const rest = segments.slice(parts.length);
  if (segments.length < parts.length || (route.matchMode === 'NORMAL' && rest.length > 0)) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (isParameter(part)) parameters[part.slice(1, -1)] = segment;
    else if (part !== segment) return undefined;
  }
  if (rest.length > 0) parameters[''] = rest.join('/');
  return parameters;
}

function compareSpecificity(a: ApiRoute, b: ApiRoute): number {
  const rank = ({ path, matchMode, method }: ApiRoute) => {
    const parts = segmentsOf(path);
    const fixed = parts.filter((part) => !isParameter(part)).length;
    return [fixed, parts.length, matchMode === 'NORMAL' ? 1 : 0, method === 'ANY' ? 0 : 1];
  };
  const rankOfB = rank(b);
  for (const [index, value] of rank(a).entries()) {
    const difference = (rankOfB[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return 0;
}

function isParameter(part: string): boolean {
  return part.startsWith('{') && part.endsWith('}');
}

/** The parts between slashes. A slash at the end adds none. */
function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/^\/|\/$/g, '');
  return trimmed === '' ? [] : trimmed.split('/');
}
