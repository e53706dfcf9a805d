/** What to list; `marker` is exclusive, `maxKeys` counts keys and common prefixes together. */
export interface ListQuery {
  prefix?: string | undefined;
  marker?: string | undefined;
  delimiter?: string | undefined;
  maxKeys?: number | undefined;
}

interface KeyListing {
  keys: string[];
  commonPrefixes: string[];
  isTruncated: boolean;
  /** The last key or common prefix listed, when there is more. */
  nextMarker?: string;
}

/** The most that one listing holds (OBS API reference, ListObjects). */
export const MAX_LISTED_KEYS = 1000;

/** Compares by UTF-8 bytes; JavaScript's own order differs where a surrogate meets U+E000 to U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The part of a key that a listing with this delimiter shows instead of the key; undefined when it shows the key. */
export function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return cut === -1 ? undefined : key.slice(0, cut + delimiter.length);
}

/** The keys of a bucket in UTF-8 byte order. */
export class KeyIndex {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  add(key: string): void {
    const index = this.#lowerBound(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  remove(key: string): void {
    const index = this.#lowerBound(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  /** Keys after `marker` that start with `prefix`; those that share a part up to `delimiter` count as one. */
  list({ prefix = '', marker = '', delimiter = '', maxKeys = MAX_LISTED_KEYS }: ListQuery): KeyListing {
    const listing: KeyListing = { keys: [], commonPrefixes: [], isTruncated: false };
    let last = marker;
    const start = compareUtf8(marker, prefix) > 0 ? marker : prefix;
    for (let index = this.#lowerBound(start); index < this.#keys.length; index++) {
      const key = this.#keys[index] ?? '';
      if (!key.startsWith(prefix)) break;
      const commonPrefix = commonPrefixOf(key, prefix, delimiter);
      const name = commonPrefix ?? key;
      // The marker itself, or below a common prefix that was listed already, on this page or an earlier one.
      if (compareUtf8(name, last) <= 0) continue;
      if (listing.keys.length + listing.commonPrefixes.length >= maxKeys) {
        listing.isTruncated = maxKeys > 0;
        if (maxKeys > 0) listing.nextMarker = last;
        break;
      }
      (commonPrefix === undefined ? listing.keys : listing.commonPrefixes).push(name);
      last = name;
    }
    return listing;
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.#keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
