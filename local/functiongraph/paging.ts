import { FunctionGraphError } from './errors';

/**
 * One page of a list; `marker` is the position of its first item.
 *
 * @param sizeName the query parameter with the page size
 * @param limit the default page size, the largest one, and how a larger size counts: it is refused, or it means the
 *   largest; then 0 means the largest too
 * @throws FunctionGraphError FSS.0400 if a parameter is no such number
 */
export function pageOf<T>(
  items: readonly T[],
  query: URLSearchParams,
  sizeName: 'maxitems' | 'limit',
  limit: { default: number; max: number; beyond: 'refused' | 'largest' },
): { page: T[]; nextMarker: number } {
  const marker = Number(query.get('marker') ?? 0);
  const size = Number(query.get(sizeName) ?? limit.default);
  if (!(Number.isInteger(marker) && marker >= 0)) {
    throw new FunctionGraphError('FSS.0400', `marker "${query.get('marker')}" must be an integer from 0`);
  }
  const isBeyond = size === 0 || size > limit.max;
  if (!(Number.isInteger(size) && size >= 0) || (isBeyond && limit.beyond === 'refused')) {
    const range = limit.beyond === 'refused' ? `from 1 to ${limit.max}` : 'from 0';
    throw new FunctionGraphError(
      'FSS.0400',
      `${sizeName} "${query.get(sizeName)}" must be an integer ${range}`,
    );
  }
  const end = marker + (isBeyond ? limit.max : size);
  return { page: items.slice(marker, end), nextMarker: Math.min(end, items.length) };
}
