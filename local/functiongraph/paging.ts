import { FunctionGraphError } from './errors';

/**
 * One page of a list: `marker` is the position to begin at.
 *
 * @param sizeName the query parameter that holds the page size
 * @param limit the page size without that parameter, and the largest one that is accepted
 * @throws FunctionGraphError FSS.0400 when a parameter is no such number
 */
export function pageOf<T>(
  items: readonly T[],
  query: URLSearchParams,
  sizeName: 'maxitems' | 'limit',
  limit: { default: number; max: number },
): { page: T[]; nextMarker: number } {
  const marker = Number(query.get('marker') ?? 0);
  const size = Number(query.get(sizeName) ?? limit.default);
  if (!(Number.isInteger(marker) && marker >= 0)) {
    throw new FunctionGraphError('FSS.0400', `marker "${query.get('marker')}" must be an integer from 0`);
  }
  if (!(Number.isInteger(size) && size >= 1 && size <= limit.max)) {
    throw new FunctionGraphError(
      'FSS.0400',
      `${sizeName} "${query.get(sizeName)}" must be an integer from 1 to ${limit.max}`,
    );
  }
  return {
    page: items.slice(marker, marker + size),
    nextMarker: Math.min(marker + size, items.length),
  };
}
