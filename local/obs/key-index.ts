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
  /** The last listed key or common prefix, if there is more. */
  nextMarker?: string;
}

/** The largest size of one listing (OBS API reference, ListObjects). */
export const MAX_LISTED_KEYS = 1000;

/**
 * Compares by UTF-8 bytes. JavaScript's own order, of UTF-16 units, differs where a surrogate meets U+E000 to U+FFFF.
 * Lone surrogates get no care: keys come from UTF-8 and contain none.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return rankOf(unitA) - rankOf(unitB);
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for U+10000 and above, behind everything else. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The part of a key that a listing with this delimiter shows instead of the key; undefined if it shows the key. */
export function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return cut === -1 ? undefined : key.slice(0, cut + delimiter.length);
}

/** True where JavaScript's own order, which is many times faster, is that of the bytes: no unit is a surrogate or above. */
function hasOrderOfUnits(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key);
}

/**
 * A block that grows beyond this is split in two: inserting into an array of this size is fast, into one of a million
 * keys it is slow.
 */
const MAX_BLOCK_KEYS = 1024;

/** The keys of a bucket in UTF-8 byte order, in consecutive blocks. No block is empty. */
export class KeyIndex {
  #blocks: string[][] = [];
  /**
   * Keys that came since the last read. A restart brings a million: sorting them together takes a fifth of the time.
   */
  #added: string[] = [];
  #size = 0;
  #hasOrderOfUnits = true;

  get size(): number {
    this.#takeIn();
    return this.#size;
  }

  add(key: string): void {
    this.#added.push(key);
  }

  #takeIn(): void {
    const added = this.#added;
    this.#added = [];
    if (added.length <= Math.max(MAX_BLOCK_KEYS, this.#size / 16)) {
      for (const key of added) this.#insert(key);
      return;
    }
    this.#hasOrderOfUnits &&= added.every(hasOrderOfUnits);
    const keys = [...new Set([...this.#blocks.flat(), ...added])];
    keys.sort(this.#hasOrderOfUnits ? undefined : compareUtf8);
    this.#size = keys.length;
    this.#blocks = [];
    for (let at = 0; at < keys.length; at += MAX_BLOCK_KEYS)
      this.#blocks.push(keys.slice(at, at + MAX_BLOCK_KEYS));
  }

  #insert(key: string): void {
    this.#hasOrderOfUnits &&= hasOrderOfUnits(key);
    const at = Math.max(0, this.#blockOf(key));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([key]);
      this.#size++;
      return;
    }
    const index = this.#lowerBound(block, key);
    if (block[index] === key) return;
    block.splice(index, 0, key);
    this.#size++;
    if (block.length > MAX_BLOCK_KEYS) this.#blocks.splice(at + 1, 0, block.splice(MAX_BLOCK_KEYS / 2));
  }

  remove(key: string): void {
    this.#takeIn();
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const index = this.#lowerBound(block, key);
    if (block[index] !== key) return;
    block.splice(index, 1);
    this.#size--;
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Keys after `marker` that start with `prefix`. Keys that share a part up to `delimiter` count as one. */
  list({ prefix = '', marker = '', delimiter = '', maxKeys = MAX_LISTED_KEYS }: ListQuery): KeyListing {
    this.#takeIn();
    const listing: KeyListing = { keys: [], commonPrefixes: [], isTruncated: false };
    let last = marker;
    for (const key of this.#from(compareUtf8(marker, prefix) > 0 ? marker : prefix)) {
      if (!key.startsWith(prefix)) break;
      const commonPrefix = commonPrefixOf(key, prefix, delimiter);
      const name = commonPrefix ?? key;
      // The marker itself, or a key below a common prefix that this or an earlier page has listed.
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

  /** The keys from this one on. */
  *#from(key: string): Generator<string> {
    const first = Math.max(0, this.#blockOf(key));
    for (let at = first; at < this.#blocks.length; at++) {
      const block = this.#blocks[at] ?? [];
      for (let index = at === first ? this.#lowerBound(block, key) : 0; index < block.length; index++)
        yield block[index] ?? '';
    }
  }

  /** The last block whose first key is not after this one; -1 if there is none. */
  #blockOf(key: string): number {
    const isBefore = this.#orderWith(key);
    return partition(this.#blocks.length, (at) => !isBefore(key, this.#blocks[at]?.[0] ?? '')) - 1;
  }

  /** The place in a block of the first key that is not before this one. */
  #lowerBound(block: readonly string[], key: string): number {
    const isBefore = this.#orderWith(key);
    return partition(block.length, (at) => isBefore(block[at] ?? '', key));
  }

  #orderWith(key: string): (a: string, b: string) => boolean {
    return this.#hasOrderOfUnits && hasOrderOfUnits(key) ? (a, b) => a < b : (a, b) => compareUtf8(a, b) < 0;
  }
}

/** How many of the first places have a property that no later place has. */
function partition(length: number, has: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
