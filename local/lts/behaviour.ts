import * as z from 'zod';

/** Switches for what the documents leave open. */
export const ltsBehaviour = z.object({
  /**
   * A search reads this many lines. Then it answers with what it has found and says that it is not complete. The
   * documents say that it does so, but not when.
   */
  linesPerSearch: z.int().min(1).default(1000),
});

export type LtsBehaviour = z.infer<typeof ltsBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<LtsBehaviour> = ltsBehaviour.parse({});
