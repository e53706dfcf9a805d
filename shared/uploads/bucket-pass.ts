import * as z from 'zod/mini';
import { type ListedObject, type ListPage, listObjects } from '../cloud/obs';
import { AnswerTooLarge, describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import { inParallel } from '../core/in-parallel';
import { flag, optionalText, text, wholeNumber } from '../core/schema';
import type { Invocation } from '../installation/invocation';

/*
 * A pass looks at every key of the upload buckets once, in as many invocations as it takes. OBS lists keys in order, one
 * page after the other. To list several pages at a time, each pass notes marks: keys that lie some pages apart.
 * The next pass looks through the ranges between them in parallel. Marks only divide the work: as keys come and
 * go, ranges get longer or shorter, but every key lies in one of them.
 */

/** Ranges that are listed at a time. Each keeps a page of 1,000 keys, about 300 KB, in memory. */
const PARALLEL_RANGES = 10;
/** Objects on a page (OBS API reference, "Listing Objects in a Bucket"). */
const MAX_KEYS = 1000;
/** Keys of 1,024 bytes in other scripts make pages of more than 3 MB: ten of them would exceed the memory of the function. */
const MAX_PAGE_BYTES = 1_500_000;
/** Pages between two marks. */
const PAGES_BETWEEN_MARKS = 16;
/** When a pass ends with more marks, every second one is dropped. */
const MAX_MARKS = 128;

const Mark = z.object({ bucket: text, key: text });
type Mark = z.infer<typeof Mark>;

/** The keys after `marker` up to and including `until`. */
const Range = z.object({
  bucket: text,
  marker: optionalText,
  until: optionalText,
  /** Pages listed since the last mark. */
  pages: wholeNumber,
});
type Range = z.infer<typeof Range>;

/** The progress of a pass, kept between invocations. */
export const bucketPassShape = {
  /** The ranges that are left; absent before the pass begins. */
  ranges: z.optional(z.array(Range)),
  /** Where the ranges of the next pass begin. */
  marks: z.optional(z.array(Mark)),
  /** A bucket could not be listed in this pass. */
  has_gap: flag,
};
export type BucketPass = z.infer<z.ZodMiniObject<typeof bucketPassShape>>;

/** An object as OBS lists it, with its bucket. */
export type ListedUpload = ListedObject & { bucket: string };

/** What a pass does with the objects of a page, one group at a time. */
export interface Visitor {
  /** Asked before each page and between its groups. True: the pass stops there, and goes on there next time. */
  isOver(): boolean;
  /** True for objects to look at. */
  isWanted(upload: ListedUpload): boolean;
  /**
   * Looks at objects of one bucket, in the order of their keys.
   * @returns how many of them, from the first, are done. After fewer than all the pass stops, and goes on there next time
   */
  lookAt(uploads: readonly ListedUpload[]): Promise<number>;
  /** A bucket is gone or locked. The pass goes on with the others. */
  bucketNotListed(): void;
}

/** Objects of each range that are looked at together. One that has a task costs a small read. */
const GROUP_SIZE = 8;

/**
 * Goes on with a pass, or begins one.
 * @param pass is updated
 * @param prefix of the keys that are listed
 * @returns true when the pass is complete
 */
export async function goOnWithPass(
  pass: BucketPass,
  prefix: string,
  visitor: Visitor,
  invocation: Invocation,
): Promise<boolean> {
  const { uploadBuckets } = invocation.settings;
  if (pass.ranges === undefined) {
    pass.ranges = uploadBuckets.flatMap((bucket) => rangesOf(bucket, pass.marks ?? []));
    pass.marks = [];
  }
  let marks = pass.marks ?? [];
  const done = new Set<Range>();
  const unlisted = new Set<string>();
  // What holds up one range holds up all: each of the others would only cost a page and a look at its first group.
  let isHeldUp = false;
  const stopping: Visitor = {
    ...visitor,
    isOver: () => isHeldUp || visitor.isOver(),
    lookAt: async (uploads) => {
      const count = await visitor.lookAt(uploads);
      isHeldUp ||= count < uploads.length;
      return count;
    },
  };
  await inParallel(pass.ranges, PARALLEL_RANGES, async (range) => {
    const { bucket } = range;
    // The setting may have changed, or somebody else wrote the record: other buckets are not read.
    const end =
      uploadBuckets.includes(bucket) && !unlisted.has(bucket)
        ? await lookThrough(range, marks, prefix, stopping, invocation)
        : 'not_listed';
    if (end === 'interrupted') return;
    done.add(range);
    if (end === 'done' || unlisted.has(bucket)) return;
    unlisted.add(bucket);
    pass.has_gap = 1;
    visitor.bucketNotListed();
  });
  pass.ranges = pass.ranges.filter((range) => !done.has(range));
  const isDone = !pass.ranges.length;
  if (isDone) {
    delete pass.ranges;
    // Earlier it would drop more marks at the beginning, and the next pass would have a range that takes longer than all others.
    while (marks.length > MAX_MARKS) marks = everySecond(marks);
  }
  pass.marks = marks;
  return isDone;
}

async function lookThrough(
  range: Range,
  marks: Mark[],
  prefix: string,
  visitor: Visitor,
  invocation: Invocation,
): Promise<'done' | 'interrupted' | 'not_listed'> {
  const { bucket, until } = range;
  for (;;) {
    if (visitor.isOver()) return 'interrupted';
    const page = await listUploads(bucket, prefix, range.marker, invocation);
    if (!page) return 'not_listed';
    const objects = page.objects.filter(({ key }) => until === undefined || !isBehind(key, until));
    const wanted = objects.map((object) => ({ bucket, ...object })).filter(visitor.isWanted);
    for (const group of groupsOf(wanted, GROUP_SIZE)) {
      // The first group is always looked at: otherwise a page that takes all the time would be listed again and again.
      if (group[0] !== wanted[0] && visitor.isOver()) return 'interrupted';
      const done = await visitor.lookAt(group);
      range.marker = group[done - 1]?.key ?? range.marker;
      if (done < group.length) return 'interrupted';
    }
    const last = objects.at(-1)?.key;
    range.marker = last ?? range.marker;
    range.pages += 1;
    const isEnd =
      !page.isTruncated || last === until || objects.length < page.objects.length || last === undefined;
    // A range that has become short is not worth a mark of its own.
    if (isEnd && until !== undefined && range.pages > PAGES_BETWEEN_MARKS / 2)
      marks.push({ bucket, key: until });
    if (isEnd) return 'done';
    if (range.pages < PAGES_BETWEEN_MARKS) continue;
    marks.push({ bucket, key: last });
    range.pages = 0;
  }
}

/**
 * A page of an upload bucket; undefined when it cannot be listed: a bucket that is gone must not hold up the next one. Of
 * objects with long keys a page has fewer.
 */
async function listUploads(
  bucket: string,
  prefix: string,
  marker: string | undefined,
  invocation: Invocation,
): Promise<ListPage | undefined> {
  for (let maxKeys = MAX_KEYS; ; maxKeys >>= 1) {
    try {
      const from = { prefix, marker, 'max-keys': maxKeys < MAX_KEYS ? String(maxKeys) : undefined };
      return await listObjects(bucket, from, invocation, MAX_PAGE_BYTES);
    } catch (error) {
      if (error instanceof AnswerTooLarge && maxKeys > 1) continue;
      invocation.log.error('sweep.bucket_not_listed', { bucket, ...describeFailure(error) });
      return undefined;
    }
  }
}

function rangesOf(bucket: string, marks: readonly Mark[]): Range[] {
  const keys = inOrder(marks.filter((mark) => mark.bucket === bucket)).map(({ key }) => key);
  return [...keys, undefined].map((until, index) => ({ bucket, marker: keys[index - 1], until, pages: 0 }));
}

function everySecond(marks: readonly Mark[]): Mark[] {
  return inOrder(marks).filter((_, index) => index % 2);
}

/** In the order of OBS: by UTF-8 bytes. */
function inOrder(marks: readonly Mark[]): Mark[] {
  return [...marks].sort((a, b) => (isBehind(a.key, b.key) ? 1 : -1));
}

function isBehind(key: string, other: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(other)) > 0;
}
