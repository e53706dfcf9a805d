/**
 * Runs `work` for each item, in order, a few at the same time. The first failure ends the call; work that has begun goes on.
 * @param count how many run at the same time
 * @throws what `work` throws
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
