/**
 * The services that listen, in the order of their ports: the first takes the given port, each of the others the next
 * one.
 */
export const LISTENERS = ['gateway', 'obs', 'mpc', 'functiongraph'] as const;
export type Listener = (typeof LISTENERS)[number];

/**
 * Default port of API Gateway and the console. `.env.local` and `serverless.yml` contain the ports that follow from it.
 */
export const DEFAULT_PORT = 4000;

/** The largest first port that leaves room for the others. */
export const MAX_FIRST_PORT = 65_535 - (LISTENERS.length - 1);

/** @param firstPort that of API Gateway */
export function portOf(listener: Listener, firstPort: number): number {
  return firstPort + LISTENERS.indexOf(listener);
}
