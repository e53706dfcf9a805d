import * as z from 'zod';

/** Switches for what the documents leave open. */
export const gatewayBehaviour = z.object({
  /** The value of a query parameter that occurs more than once. */
  repeatedQueryParameters: z.enum(['last', 'array']).default('last'),
  /** `queryStringParameters` of a request without a query. */
  missingQuery: z.enum(['empty', 'null', 'absent']).default('empty'),
  /**
   * CORS on every API, with the OPTIONS API that preflights need. On the platform a new API has neither, and the
   * trigger of a function cannot request them.
   */
  cors: z.boolean().default(false),
  /**
   * Simple authentication on every API with authentication APP: an app code replaces the signature. On the platform it
   * is off for a new API, and the trigger of a function cannot request it.
   */
  simpleAuthentication: z.boolean().default(false),
});

export type GatewayBehaviour = z.infer<typeof gatewayBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<GatewayBehaviour> = gatewayBehaviour.parse({});
