import { listObjects } from '../../shared/cloud/obs';
import { capturesFor } from '../../shared/installation/captures';
import type { Invocation } from '../../shared/installation/invocation';
import { RECORDS_FOLDER } from '../../shared/installation/object-keys';
import { uploadClaim } from '../../shared/tasks/claims';
import { isMeant } from '../../shared/uploads/backfill';

/** The contents of a library. */
export interface Count {
  videos: number;
  /** Captures of these videos that were begun before. */
  captured: number;
  toStart: number;
  /** How many of each capture must be started; the name is undefined for CAPTURE. */
  byCapture: ReadonlyMap<string | undefined, number>;
}

/** Videos between two lines of progress. */
const TELL_EVERY = 100_000;

/**
 * Counts the videos in the upload buckets, and which of their captures have a claim. It reads only listings, with 1,000
 * objects each, and keeps 8 bytes for each claim.
 * @throws what OBS throws
 */
export async function countLibrary(
  { prefix, capture }: { prefix: string; capture?: string | undefined },
  invocation: Invocation,
  print: (line: string) => void,
): Promise<Count> {
  const { settings } = invocation;
  const claims = await readClaims(invocation);
  const byCapture = new Map<string | undefined, number>();
  const count = { videos: 0, captured: 0, toStart: 0, byCapture };
  for (const bucket of settings.uploadBuckets) {
    for await (const object of objectsOf(bucket, prefix, invocation)) {
      const upload = { bucket, ...object };
      if (!isMeant(upload, { ...(capture !== undefined && { capture }) }, settings)) continue;
      count.videos++;
      if (count.videos % TELL_EVERY === 0)
        print(`${count.videos.toLocaleString('en')} videos counted so far`);
      for (const one of capturesFor(upload.key, settings.captures)) {
        if (capture !== undefined && one.name !== capture) continue;
        if (claims.has(uploadClaim(upload, one, settings).id)) count.captured++;
        else {
          count.toStart++;
          byCapture.set(one.name, (byCapture.get(one.name) ?? 0) + 1);
        }
      }
    }
  }
  return count;
}

async function* objectsOf(bucket: string, prefix: string, invocation: Invocation) {
  let marker: string | undefined;
  do {
    const page = await listObjects(bucket, { prefix, marker }, invocation);
    yield* page.objects;
    marker = page.nextMarker;
  } while (marker !== undefined);
}

async function readClaims(invocation: Invocation): Promise<NumberSet> {
  const claims = new NumberSet();
  const folder = `${RECORDS_FOLDER}claims/`;
  for await (const { key } of objectsOf(invocation.settings.snapshotBucket, folder, invocation)) {
    // Later attempts and results have more dots in their names.
    const [, id] = /\/([0-9a-f]{40})\.json$/.exec(key) ?? [];
    if (id !== undefined) claims.add(id);
  }
  claims.close();
  return claims;
}

/** A set of hexadecimal hashes, by their first 52 bits: with ten million, one library in a hundred has a collision. */
class NumberSet {
  #values = new Float64Array(1024);
  #size = 0;

  add(hash: string): void {
    if (this.#size === this.#values.length) {
      const larger = new Float64Array(2 * this.#size);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#size++] = numberOf(hash);
  }

  /** Sorts the set. Look-ups work only after this. */
  close(): void {
    this.#values = this.#values.subarray(0, this.#size).sort();
  }

  has(hash: string): boolean {
    const desired = numberOf(hash);
    let from = 0;
    let to = this.#size;
    while (from < to) {
      const middle = (from + to) >> 1;
      const value = this.#values[middle] ?? 0;
      if (value === desired) return true;
      if (value < desired) from = middle + 1;
      else to = middle;
    }
    return false;
  }
}

function numberOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 13), 16);
}
