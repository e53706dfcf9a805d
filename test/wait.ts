/** A condition that asks the API asks MPC, which answers 100 calls a minute: what takes longer is asked for less often. */
const LONGEST_PAUSE_MS = 500;

/**
 * Polls a condition until it holds and resolves with its (truthy) value.
 * Throws when it still does not hold after `timeoutMs`; the message names what was waited for.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 15_000, what = condition.toString() }: { timeoutMs?: number; what?: string } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.1, LONGEST_PAUSE_MS)) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
