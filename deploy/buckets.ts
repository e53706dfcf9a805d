import { signObsUrl } from '../shared/signing';
import type { Connection } from './cloud-api';
import type { DesiredState } from './desired-state';
import { DeployError } from './errors';

/** The state of a bucket; `unknown` when the access key may not see it, `unanswered` when OBS does not answer. */
export type BucketState =
  | { is: 'there'; region: string }
  | { is: 'elsewhere' | 'missing' | 'unknown' }
  | { is: 'unanswered'; reason: string };

const URL_LIFE_SECONDS = 60;
const TIMEOUT_MS = 10_000;

/** Asks OBS for a bucket and its region, by listing one object at most. */
export async function bucketState(bucket: string, connection: Connection): Promise<BucketState> {
  const { region, credentials, endpoints } = connection;
  const { origin, path } = signObsUrl(
    {
      method: 'GET',
      endpoint: endpoints.obs ?? `https://obs.${region}.myhuaweicloud.com`,
      bucket,
      key: '',
      expiresAtSeconds: Math.floor(Date.now() / 1000) + URL_LIFE_SECONDS,
      parameters: { 'max-keys': '1' },
    },
    credentials,
  );
  let response: Response;
  try {
    response = await fetch(origin + path, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { is: 'unanswered', reason: `no answer (${cause?.code ?? name}) from ${origin}` };
  }
  const found = response.headers.get('x-obs-bucket-location') ?? response.headers.get('x-amz-bucket-region');
  if (found) return { is: 'there', region: found };
  if (response.status === 404) return { is: 'missing' };
  // OBS redirects callers of the wrong region.
  if (response.status >= 300 && response.status < 400) return { is: 'elsewhere' };
  return { is: 'unknown' };
}

/**
 * Checks that the buckets are in the region: FunctionGraph and MPC use only buckets of their own region.
 * @throws DeployError for a bucket that is missing or in another region, and when OBS does not answer. A bucket that the key
 *   may not see passes
 */
export async function refuseBuckets(desired: DesiredState, connection: Connection): Promise<void> {
  const states = await Promise.all(
    desired.buckets.map(async (bucket) => ({ bucket, state: await bucketState(bucket, connection) })),
  );
  const lines = states.flatMap(({ bucket, state }) => {
    if (state.is === 'missing') return [`bucket ${bucket} does not exist: create it in ${desired.region}`];
    if (state.is === 'unanswered') {
      return [`bucket ${bucket}: ${state.reason}; check the network, and OBS_ENDPOINT if it is set`];
    }
    const isElsewhere = state.is === 'elsewhere' || (state.is === 'there' && state.region !== desired.region);
    if (!isElsewhere) return [];
    const where = state.is === 'there' ? state.region : 'another region';
    return [
      `bucket ${bucket} is in ${where}, the functions are in ${desired.region}: both must be in one region`,
    ];
  });
  if (lines.length > 0) throw new DeployError(lines);
}
