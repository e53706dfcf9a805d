import * as z from 'zod';

/** What the documents leave open. */
export const ltsBehaviour = z.object({
  /**
   * A search looks at so many lines, then answers with what it has and says that it is not complete. That it does so
   * is documented, when is not.
   */
  linesPerSearch: z.int().min(1).default(1000),
});

export type LtsBehaviour = z.infer<typeof ltsBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<LtsBehaviour> = ltsBehaviour.parse({});
