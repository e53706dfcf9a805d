import { SnapshotClient, SnapshotsError, type Task } from '../../client/src';
import { temporaryUrl } from '../obs/signature';
import { parseSwitches } from '../switches';
import { startDeployedCloud } from './deployed-cloud';
import { readFaults } from './fault-arguments';
import { RunningCloud } from './running-cloud';

export type { SnapshotClient, Task } from '../../client/src';

/** Options of a local cloud. */
export interface LocalCloudOptions {
  /** API Gateway and console listen here, OBS, MPC and FunctionGraph on the next three (default 0: free ports). */
  port?: number;
  /** Objects and tasks are kept here across restarts. Default: a temporary folder. */
  dataDirectory?: string;
  /** Faults to inject, such as `duplicate=0.2,mpc.429=0.1`. */
  faults?: string;
  /** The same seed repeats the same faults. */
  seed?: number;
  /** Switches for what the documents leave open, such as `mpc.idsAs=number`. */
  behaviour?: string;
}

/** OBS, MPC, FunctionGraph and API Gateway in this process, with the functions deployed. */
export interface LocalCloud {
  /** Without a slash at the end. */
  addresses: { gateway: string; obs: string; mpc: string; functiongraph: string };
  /** Environment variables for the program under test, named as in the vendor's SDKs. */
  environment: Readonly<Record<string, string>>;
  /** Of the one account. */
  credentials: { accessKey: string; secretKey: string; projectId: string };
  region: string;
  uploadBucket: string;
  snapshotBucket: string;
  /** Of the service's HTTP API. */
  client: SnapshotClient;
  /** Uploads a video, as an OBS client would. */
  upload(key: string, content: Uint8Array): Promise<void>;
  /**
   * Waits until the pictures of an upload are there.
   * @param timeoutMs default 60,000
   * @returns the task
   * @throws Error that says why not: the task failed, the upload was skipped, or the time is over
   */
  captured(key: string, timeoutMs?: number): Promise<Task>;
  /** Stops everything. */
  close(): Promise<void>;
}

const CAPTURED_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 100;

/** Starts a local cloud for tests. */
export async function startLocalCloud({
  port = 0,
  dataDirectory,
  faults,
  seed,
  behaviour = '',
}: LocalCloudOptions = {}): Promise<LocalCloud> {
  const wrong = readFaults({ faults, seed: seed?.toString() });
  const cloud = await startDeployedCloud({
    port,
    ...(dataDirectory !== undefined && { dataDirectory }),
    ...(wrong !== undefined && { faults: wrong }),
    ...parseSwitches(behaviour),
  });
  const { addresses, environment, region, uploadBucket, snapshotBucket, accessKey: key } = cloud;
  const client = new SnapshotClient({ endpoint: addresses.gateway });
  return {
    addresses,
    environment,
    credentials: { accessKey: key.accessKey, secretKey: key.secretKey, projectId: key.projectId },
    region,
    uploadBucket,
    snapshotBucket,
    client,
    async upload(objectKey, content) {
      const expiresAtSeconds = Math.floor(Date.now() / 1000) + 3600;
      const place = { endpoint: addresses.obs, bucket: uploadBucket, key: objectKey };
      const url = temporaryUrl({ ...place, method: 'PUT', accessKey: key, expiresAtSeconds });
      const response = await fetch(url, { method: 'PUT', body: new Uint8Array(content) });
      if (!response.ok)
        throw new Error(
          `OBS answers ${response.status} to the upload of ${objectKey}: ${await response.text()}`,
        );
    },
    captured: (objectKey, timeoutMs = CAPTURED_WITHIN_MS) =>
      captured(objectKey, client, new RunningCloud(addresses.gateway), Date.now() + timeoutMs),
    close: () => cloud.close(),
  };
}

async function captured(
  key: string,
  client: SnapshotClient,
  cloud: RunningCloud,
  endMs: number,
): Promise<Task> {
  for (;;) {
    const newest = await client.newest(key);
    if (newest !== undefined) {
      const task = await client.waitFor(newest.task_id, { timeoutMs: Math.max(0, endMs - Date.now()) });
      if (task.status === 'SUCCEEDED') return task;
      throw new SnapshotsError(`task ${task.task_id} of ${key} is ${task.status}: ${task.description ?? ''}`);
    }
    const { verdict, reason, summary } = await cloud.explain(key);
    if (verdict !== 'in_progress' || Date.now() >= endMs)
      throw new SnapshotsError(`${key} has no task (${reason}): ${summary}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
