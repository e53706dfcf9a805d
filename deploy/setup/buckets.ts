import { CallFailed, type CloudApi } from '../cloud-api';
import { mpcView } from '../doctor/buckets';
import { elementOf, ObsClient } from '../obs-client';
import type { EnvFile } from './env-file';
import { LifecycleRules } from './lifecycle';
import type { Names, Stage } from './names';
import type { Inspection, Part, Step } from './part';

const OBS_RIGHT = 'OBS Administrator';
const MPC_RIGHT = 'MPC Administrator';

/** The context for the buckets of a stage. */
export interface BucketContext {
  cloud: CloudApi;
  stage: Stage;
  names: Names;
  file: EnvFile;
}

/** Both buckets with MPC's authorization; the one for snapshots also gets lifecycle rules. */
export function bucketParts(context: BucketContext): Part[] {
  const { uploadBucket, snapshotBucket, buckets } = context.names;
  return [...new Set([uploadBucket, snapshotBucket, ...buckets])].map((bucket) => ({
    name: `bucket ${bucket}`,
    service: 'OBS',
    right: OBS_RIGHT,
    inspect: () => inspectBucket(bucket, bucket === snapshotBucket, context),
  }));
}

async function inspectBucket(
  bucket: string,
  hasRecords: boolean,
  context: BucketContext,
): Promise<Inspection> {
  const { cloud, file, stage, names } = context;
  const { region } = cloud.connection;
  const obs = new ObsClient(cloud);
  const values = {
    ...(bucket === names.uploadBucket && { UPLOAD_BUCKET: bucket }),
    ...(hasRecords && { SNAPSHOT_BUCKET: bucket }),
  };
  const place = await placeOf(bucket, obs);
  if (place === 'foreign') {
    return {
      obstacle: {
        text: 'belongs to another account: OBS does not show it to this key',
        todo: 'names of buckets are unique in the world: choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET',
      },
    };
  }
  if (place !== undefined && place !== region) {
    return {
      obstacle: {
        text: `is in ${place}, the functions are in ${region}; MPC and triggers need both in one region`,
        todo: 'choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET, or the other region with HUAWEICLOUD_SDK_REGION',
      },
    };
  }
  const rules = new LifecycleRules(obs, bucket, stage);
  const create: Step = {
    what: `bucket ${bucket}, private, in ${region}`,
    right: OBS_RIGHT,
    command: `obsutil mb obs://${bucket} -location=${region} -acl=private`,
    isNeeded: true,
    make: async () => {
      file.remember(`bucket:${bucket}`);
      await obs.call({
        method: 'PUT',
        bucket,
        body: `<CreateBucketConfiguration><Location>${region}</Location></CreateBucketConfiguration>`,
      });
    },
  };
  const authorize: Step = {
    what: `MPC’s authorization for ${bucket}`,
    right: MPC_RIGHT,
    command: `hcloud MPC UpdateBucketAuthorized --cli-region=${region} --bucket=${bucket} --operation=1`,
    make: () => {
      file.remember(`authority:${bucket}`);
      return setAuthority(bucket, '1', cloud);
    },
  };
  const expire: Step = {
    what: `rules in ${bucket} for records that expire`,
    right: OBS_RIGHT,
    command: `give ${bucket} lifecycle rules in the console (OBS, Basic Configurations, Lifecycle Rules): docs/set-up-and-deploy.md, "What is kept"`,
    make: () => rules.make(),
  };
  if (place === undefined) return { steps: [create, authorize, ...(hasRecords ? [expire] : [])] };
  const [isAuthorized, hasRules] = await Promise.all([
    isAuthorizedForMpc(bucket, cloud),
    // If the key may not read the rules, the write will report a missing right.
    hasRecords ? rules.areThere().catch(() => false) : true,
  ]);
  return {
    there: [`bucket ${bucket}, in ${region}`],
    steps: [...(isAuthorized ? [] : [authorize]), ...(hasRules ? [] : [expire])],
    values,
  };
}

/** Region of a bucket; `foreign`: it belongs to another account; undefined: it does not exist. @throws CallFailed */
async function placeOf(bucket: string, obs: ObsClient): Promise<string | 'foreign' | undefined> {
  const own = await ownBuckets(obs);
  if (own?.has(bucket)) return own.get(bucket);
  try {
    const { headers } = await obs.call({ method: 'HEAD', bucket });
    // Another account may let this key see its bucket. If own buckets cannot be listed, it may also be an own one.
    return own === undefined ? (headers.get('x-obs-bucket-location') ?? 'foreign') : 'foreign';
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    if (error.status === 404) return undefined;
    if (error.status === 403 || (error.status >= 300 && error.status < 400)) return 'foreign';
    throw error;
  }
}

/** The buckets of the account with their regions; undefined when the key may not list them. */
async function ownBuckets(obs: ObsClient): Promise<Map<string, string> | undefined> {
  try {
    const { text } = await obs.call({ method: 'GET' });
    return new Map(
      (text.match(/<Bucket>.*?<\/Bucket>/gs) ?? []).map((bucket) => [
        elementOf(bucket, 'Name') ?? '',
        elementOf(bucket, 'Location') ?? '',
      ]),
    );
  } catch (error) {
    if (error instanceof CallFailed && error.status === 403) return undefined;
    throw error;
  }
}

async function isAuthorizedForMpc(bucket: string, cloud: CloudApi): Promise<boolean> {
  const { isForAll, buckets } = await mpcView(cloud);
  return isForAll || (buckets.ok && buckets.found.get(bucket) === true);
}

/** Authorizes MPC for a bucket (1), or withdraws that (0). Repeating it is no error. */
function setAuthority(bucket: string, operation: '0' | '1', cloud: CloudApi): Promise<unknown> {
  const path = `/v1/${cloud.connection.projectId}/authority`;
  return cloud.call('mpc', { method: 'PUT', path, body: { bucket, operation } });
}

/** The parts of the buckets that setup created: it knows rules by their ids, the rest from the record in `.env.<stage>`. */
export function bucketRemains(context: BucketContext): Part[] {
  const { uploadBucket, snapshotBucket } = context.names;
  const made = context.file.made().flatMap((one) => /^(?:bucket|authority):(.+)$/.exec(one)?.[1] ?? []);
  return [...new Set([uploadBucket, snapshotBucket, ...made])].map((bucket) => ({
    name: `bucket ${bucket}`,
    service: 'OBS',
    right: OBS_RIGHT,
    inspect: () => inspectRemains(bucket, context),
  }));
}

async function inspectRemains(bucket: string, { cloud, file, stage }: BucketContext): Promise<Inspection> {
  const obs = new ObsClient(cloud);
  const made = file.made();
  const place = await placeOf(bucket, obs);
  if (place === 'foreign') return {};
  if (place === undefined) {
    file.forget(`bucket:${bucket}`);
    file.forget(`authority:${bucket}`);
    return {};
  }
  const rules = new LifecycleRules(obs, bucket, stage);
  const steps: Step[] = [];
  if (await rules.isAnyThere()) {
    steps.push({
      what: `rules in ${bucket} for records that expire`,
      right: OBS_RIGHT,
      command: `take the rules of ${stage.service}.${stage.stage} out in the console (OBS, Lifecycle Rules)`,
      make: () => rules.remove(),
    });
  }
  if (made.includes(`authority:${bucket}`)) {
    steps.push({
      what: `MPC’s authorization for ${bucket}`,
      right: MPC_RIGHT,
      command: `hcloud MPC UpdateBucketAuthorized --cli-region=${cloud.connection.region} --bucket=${bucket} --operation=0`,
      make: async () => {
        await setAuthority(bucket, '0', cloud);
        file.forget(`authority:${bucket}`);
      },
    });
  }
  if (!made.includes(`bucket:${bucket}`)) {
    return { steps, there: [`bucket ${bucket}: setup has no record of creating it`] };
  }
  if (!(await isEmpty(bucket, obs))) {
    const text = `bucket ${bucket}: contains objects, and stays`;
    const todo = `when nobody needs them: obsutil rm obs://${bucket} -r -f, then run the command again`;
    return { steps, left: { text, todo } };
  }
  steps.push({
    what: `bucket ${bucket}, which is empty`,
    right: OBS_RIGHT,
    command: `obsutil rm obs://${bucket}`,
    make: async () => {
      // OBS refuses to delete a bucket that contains objects by now.
      await obs.call({ method: 'DELETE', bucket }).catch(unlessGone);
      file.forget(`bucket:${bucket}`);
    },
  });
  return { steps };
}

async function isEmpty(bucket: string, obs: ObsClient): Promise<boolean> {
  const { text } = await obs.call({ method: 'GET', bucket, query: { 'max-keys': '1' } });
  return !text.includes('<Contents>');
}

/** Ignores a 404 on deletion: an earlier attempt may have succeeded and its answer was lost. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof CallFailed && error.status === 404) return undefined;
  throw error;
}
