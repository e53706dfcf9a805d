/**
 * Does the work for each item, for some at the same time, in their order. The first that fails ends the call; those at work
 * go on.
 * @param count how many at the same time
 * @throws what the work throws
 */
export async function inParallel<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
