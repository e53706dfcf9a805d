import { deploy } from '../../deploy/deploy';
import { type Cloud, type CloudOptions, startCloud } from '../cloud';

/** For whoever watches: what several uploads at once must wait for is a moment, not the sweep. */
const NOTHING_DISCARDED = { excessAsyncEvents: 'queued' } as const;

/** Starts the local cloud and deploys the four functions to it, through the same calls as to Huawei Cloud. */
export async function startDeployedCloud(options: CloudOptions): Promise<Cloud> {
  const behaviour = { ...NOTHING_DISCARDED, ...options.functiongraph?.behaviour };
  const cloud = await startCloud({ ...options, functiongraph: { ...options.functiongraph, behaviour } });
  try {
    await deployTo(cloud);
    return cloud;
  } catch (error) {
    await cloud.close();
    throw error;
  }
}

function deployTo(cloud: Cloud): Promise<void> {
  const { addresses, accessKey, region, uploadBucket, snapshotBucket } = cloud;
  return deploy({
    target: {
      endpoint: addresses.functiongraph,
      projectId: accessKey.projectId,
      region,
      credentials: { accessKey: accessKey.accessKey, secretKey: accessKey.secretKey },
    },
    uploadBuckets: [uploadBucket],
    snapshotBucket,
    agency: 'mpc-snapshots',
    apiAuthentication: 'NONE',
    apiGroupId: 'local',
    userData: {
      REGION: region,
      UPLOAD_BUCKETS: uploadBucket,
      SNAPSHOT_BUCKET: snapshotBucket,
      MPC_ENDPOINT: addresses.mpc,
      OBS_ENDPOINT: addresses.obs,
      // Closer together than the default, so that a short video shows something.
      CAPTURE: '{"type":"TIME","time":5,"max_length":640}',
    },
  });
}
