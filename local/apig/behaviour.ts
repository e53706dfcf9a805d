import * as z from 'zod';

/** What the documents leave open. */
export const gatewayBehaviour = z.object({
  /** A query parameter that occurs more than once. */
  repeatedQueryParameters: z.enum(['last', 'array']).default('last'),
  /** `queryStringParameters` of a request without query. */
  missingQuery: z.enum(['empty', 'null', 'absent']).default('empty'),
  /**
   * CORS enabled on every API, together with the OPTIONS API that preflights need. On the platform a new
   * API has neither, and a function's trigger cannot ask for them.
   */
  cors: z.boolean().default(false),
  /**
   * Simple authentication on every API with authentication APP: an app code takes the place of a signature. On the
   * platform a new API has it off, and a function's trigger cannot ask for it.
   */
  simpleAuthentication: z.boolean().default(false),
});

export type GatewayBehaviour = z.infer<typeof gatewayBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<GatewayBehaviour> = gatewayBehaviour.parse({});
