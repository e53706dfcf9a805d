import fc from 'fast-check';
import type { JournalEntry } from '../../../local/obs/journal-entry';
import { StoreState } from '../../../local/obs/store-state';

const bucket = 'videos';
const key = fc.constantFrom('a.mp4', 'b.mp4', 'c.mp4');
const id = fc.option(fc.constantFrom('G1', 'G2', 'G3'), { nil: undefined });
const description = {
  contentType: fc.constant('video/mp4'),
  metadata: fc.constantFrom<Record<string, string>>({}, { owner: 'me' }),
  contentHeaders: fc.constantFrom<Record<string, string>>({}, { 'cache-control': 'no-store' }),
};
const numbers = { sizeBytes: fc.nat(), lastModifiedMs: fc.nat() };
const version = { versionId: id };
const is = <Name extends JournalEntry['is']>(name: Name) => ({
  is: fc.constant(name),
  bucket: fc.constant(bucket),
});
const uploadId = fc.constantFrom('1', '2');
const file = fc.uuid();
const etag = fc.constant('d41d8cd98f00b204e9800998ecf8427e');

/** One change, as the store would write it; optional fields are absent, not undefined. */
const change = fc
  .oneof(
    fc.record({ ...is('object'), key, file, etag, ...numbers, ...description, ...version }),
    fc.record({ ...is('object-deleted'), key }),
    fc.record({ ...is('versioning'), status: fc.constantFrom('Enabled', 'Suspended') }),
    fc.record({ ...is('marker'), key, lastModifiedMs: fc.nat(), ...version }),
    fc.record({ ...is('version-deleted'), key, versionId: fc.constantFrom('null', 'G1', 'G2', 'G3') }),
    fc.record({ ...is('upload'), key, uploadId, initiatedMs: fc.nat(), ...description }),
    fc.record({ is: fc.constant('upload-aborted'), uploadId }),
    fc.record({
      is: fc.constant('part'),
      uploadId,
      partNumber: fc.integer({ min: 1, max: 3 }),
      file,
      etag,
      ...numbers,
    }),
    fc.record({ ...is('cors'), rules: fc.constant([]) }),
  )
  .map((entry) => JSON.parse(JSON.stringify(entry)) as JournalEntry);

const replay = (entries: Iterable<JournalEntry>): StoreState => {
  const state = new StoreState((name) => `/data/${name}`);
  for (const entry of entries) state.apply(entry);
  return state;
};

/** A bucket with versions knows `version-deleted`, one without `object-deleted`. */
function asTheStoreWrites(changes: readonly JournalEntry[]): JournalEntry[] {
  let isVersioned = false;
  return changes.filter((entry) => {
    if (entry.is === 'versioning') isVersioned = true;
    if (entry.is === 'object-deleted') return !isVersioned;
    if (entry.is === 'version-deleted' || entry.is === 'marker') return isVersioned;
    return entry.is !== 'object' || isVersioned || entry.versionId === undefined;
  });
}

test('the shortest journal leads to the same state, is as long as it says, and names the files that are kept', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const state = replay([{ is: 'bucket', bucket, createdMs: 1 }, ...asTheStoreWrites(changes)]);
      const entries = structuredClone([...state.entries()]);
      expect(state.size).toBe(entries.length);
      expect([...replay(structuredClone(entries)).entries()]).toEqual(entries);
      const files = entries.flatMap((entry) => ('file' in entry ? [entry.file] : []));
      expect([...state.files()].sort()).toEqual([...new Set(files)].sort());
    }),
    { numRuns: 500 },
  );
});
