import * as z from 'zod';
import { bucketState } from '../buckets';
import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Finding, type Probe, probe } from './finding';

const Authorization = z.object({ operate_type: z.string().nullish() });
const Buckets = z.object({
  buckets: z
    .array(z.object({ bucket: z.string(), is_authorized: z.coerce.number().nullish() }))
    .nullish()
    .transform((buckets) => buckets ?? []),
});

/** MPC's view of the account's buckets in the region. */
export interface MpcView {
  /** MPC is authorized for all buckets at once. */
  isForAll: boolean;
  /** For each bucket name: is MPC authorized? Without buckets of other accounts and regions. */
  buckets: Probe<ReadonlyMap<string, boolean>>;
}

/**
 * Checks that each bucket exists, is in the region and belongs to the account, and that MPC may use it. Asks OBS
 * for each bucket, and MPC for its two kinds of authorization.
 */
export async function checkBuckets(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const view = await mpcView(cloud);
  const found = await Promise.all(
    desired.buckets.map(async (bucket) => {
      const finding = await bucketFinding(bucket, desired.region, view, cloud);
      // MPC knows nothing about a missing bucket.
      return finding.state === 'missing' ? [finding] : [finding, mpcFinding(bucket, desired, view)];
    }),
  );
  return found.flat();
}

/** Asks MPC for its two kinds of authorization. */
export async function mpcView(cloud: CloudApi): Promise<MpcView> {
  const path = `/v1/${cloud.connection.projectId}`;
  const get = async (resource: string) =>
    (await cloud.call('mpc', { method: 'GET', path: `${path}/${resource}` })).body;
  const [all, buckets] = await Promise.all([
    probe(async () => Authorization.parse(await get('agencies'))),
    probe(async () => {
      const listed = Buckets.parse(await get('buckets')).buckets;
      return new Map(listed.map((one) => [one.bucket, one.is_authorized === 1]));
    }),
  ]);
  return { isForAll: all.ok && all.found.operate_type === 'CREATED', buckets };
}

async function bucketFinding(
  bucket: string,
  region: string,
  { buckets }: MpcView,
  cloud: CloudApi,
): Promise<Finding> {
  const point = `bucket ${bucket}`;
  const state = await bucketState(bucket, cloud.connection);
  if (state.is === 'missing') {
    return {
      point,
      state: 'missing',
      text: 'does not exist',
      todo: `obsutil mb obs://${bucket} -location=${region}`,
    };
  }
  if (state.is === 'elsewhere' || (state.is === 'there' && state.region !== region)) {
    return {
      point,
      state: 'missing',
      text: `is in ${state.is === 'there' ? state.region : 'another region'}, the functions are in ${region}; MPC and triggers need both in one region`,
      todo: `create another bucket: obsutil mb obs://NAME -location=${region}, and set UPLOAD_BUCKET or SNAPSHOT_BUCKET`,
    };
  }
  if (state.is === 'unanswered') {
    const todo = 'check the network, and OBS_ENDPOINT if it is set';
    return { point, state: 'unseen', text: `no information from OBS: ${state.reason}`, todo };
  }
  // MPC lists only the account's own buckets of the region.
  const isOwn = buckets.ok && buckets.found.has(bucket);
  if (isOwn) return { point, state: 'ok', text: `yours, in ${region}` };
  if (state.is === 'there') {
    return {
      point,
      state: buckets.ok ? 'note' : 'ok',
      text: buckets.ok
        ? `in ${region}, but MPC does not list it among yours: does it belong to another account?`
        : `in ${region}`,
    };
  }
  return {
    point,
    state: 'unseen',
    text: 'OBS does not show it to this key: does it belong to another account?',
    todo: `look with the key of an administrator: obsutil stat obs://${bucket}`,
  };
}

function mpcFinding(bucket: string, { region }: DesiredState, { isForAll, buckets }: MpcView): Finding {
  const point = `MPC on ${bucket}`;
  if (isForAll) return { point, state: 'ok', text: 'MPC may use all buckets of the account' };
  const isAuthorized = buckets.ok ? buckets.found.get(bucket) : undefined;
  if (isAuthorized === true) return { point, state: 'ok', text: 'MPC may use this bucket' };
  if (isAuthorized === false) {
    return {
      point,
      state: 'missing',
      text: 'MPC may not use this bucket',
      todo: `hcloud MPC UpdateBucketAuthorized --cli-region=${region} --bucket=${bucket} --operation=1`,
    };
  }
  return {
    point,
    state: 'unseen',
    text: buckets.ok ? 'MPC does not list this bucket' : `no information from MPC: ${buckets.reason}`,
    todo: 'look in the console (MPC, Cloud Resource Authorization), or try: a task on a bucket that MPC may not use is refused with MPC.10209',
  };
}
