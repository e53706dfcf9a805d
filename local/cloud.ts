import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, API_GROUP, REGION, SNAPSHOT_BUCKET, UPLOAD_BUCKET } from './account';
import { createGateway } from './apig/gateway';
import { createApiGroupServer } from './apig/group-server';
import { createConsole } from './console/console';
import { type FaultOptions, Faults } from './faults/faults';
import {
  createFunctionGraph,
  type FunctionGraph,
  type FunctionGraphOptions,
} from './functiongraph/functiongraph';
import { matchesObjectEvent } from './functiongraph/triggers';
import { closeServer, listen } from './http-server';
import { functionsAgency } from './iam/agencies';
import { type AccessKey, Credentials } from './iam/credentials';
import { createIamServer } from './iam/iam-server';
import { CapturePool } from './mpc/capture/capture-pool';
import { createMpc, type Mpc, type MpcOptions } from './mpc/server';
import { ObjectStore } from './obs/object-store';
import { createObsServer, type ObsOptions } from './obs/server';
import { UsageError } from './usage-error';

export interface CloudOptions {
  /** API Gateway and console listen here; OBS, MPC, FunctionGraph, IAM and the groups of API Gateway on the next five. 0 takes free ports. */
  port: number;
  /** Objects and tasks are kept here over restarts; in a temporary folder when absent. */
  dataDirectory?: string;
  /** What MPC's documents leave open, and how fast its queue is. */
  mpc?: Pick<MpcOptions, 'behaviour' | 'callsPerMinute' | 'parallelTasks'>;
  functiongraph?: Pick<FunctionGraphOptions, 'behaviour'>;
  obs?: Pick<ObsOptions, 'behaviour'>;
  /** What goes wrong between the services; nothing when absent. */
  faults?: FaultOptions;
}

/** Address of each service, without a slash at the end. */
export interface Addresses {
  gateway: string;
  obs: string;
  mpc: string;
  functiongraph: string;
  iam: string;
  /** Where API Gateway is asked for its groups. */
  apig: string;
}

/** A running local cloud: OBS, MPC, FunctionGraph, API Gateway, IAM and console in one process. */
export interface Cloud {
  addresses: Addresses;
  accessKey: AccessKey;
  region: string;
  uploadBucket: string;
  snapshotBucket: string;
  store: ObjectStore;
  mpc: Mpc;
  capture: CapturePool;
  functiongraph: FunctionGraph;
  /** What a client needs to know, under the names that the vendor's SDKs use where these have one. */
  environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A port that another program holds. */
export class PortTaken extends UsageError {
  constructor(readonly port: number) {
    super(
      `port ${port} is taken by another program; choose others with --port N, or free ones with --port 0`,
    );
  }
}

/**
 * Starts the local cloud without any function in it.
 * @throws PortTaken
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const directory = options.dataDirectory ?? (await mkdtemp(path.join(tmpdir(), 'mpc-snapshots-')));
  await mkdir(directory, { recursive: true });
  const faults = options.faults === undefined ? undefined : new Faults(options.faults);
  const credentials = faults?.credentials(ACCOUNT) ?? new Credentials(ACCOUNT);
  const store = await ObjectStore.open(path.join(directory, 'obs'));
  for (const bucket of [UPLOAD_BUCKET, SNAPSHOT_BUCKET]) {
    if (!store.hasBucket(bucket)) await store.createBucket(bucket);
  }
  const capture = new CapturePool();
  const mpc = await createMpc({
    store,
    capture,
    credentials,
    region: REGION,
    directory: path.join(directory, 'mpc'),
    ...options.mpc,
  });
  const functiongraph = createFunctionGraph({
    credentials,
    region: REGION,
    projectId: ACCOUNT.projectId,
    putObject: async (bucket, key, body) => {
      await store.put(bucket, key, Buffer.from(body), { contentType: 'application/json' });
    },
    ...(faults !== undefined && { onAttempt: faults.onAttempt }),
    ...options.functiongraph,
  });
  const deliver = (what: string, send: () => void) =>
    faults === undefined ? send() : faults.deliver(what, send);
  const functionOf = (functionUrn: string) =>
    functiongraph.functions().find(({ urn }) => urn === functionUrn || urn === `${functionUrn}:latest`);
  const obs = createObsServer({
    store,
    credentials,
    region: REGION,
    functions: {
      has: (functionUrn) => functionOf(functionUrn) !== undefined,
      invoke: (functionUrn, event) =>
        deliver(functionUrn, () =>
          functiongraph.invokeAsync(functionOf(functionUrn)?.name ?? functionUrn, event, 'OBS'),
        ),
    },
    ...options.obs,
  });
  const stopEvents = store.onObjectEvent((event) => {
    // What nobody waits for cannot go astray either.
    const isWanted = functiongraph
      .functions()
      .some(({ triggers }) =>
        triggers.some(
          (trigger) =>
            (trigger.type === 'OBS' || trigger.type === 'EVENTGRID') && matchesObjectEvent(trigger, event),
        ),
      );
    if (!isWanted) return;
    const what = `${event.eventName} ${event.bucket}/${event.key}`;
    deliver(what, () => functiongraph.deliverObjectEvent(event));
  });
  faults?.intercept(mpc.server, 'mpc');
  faults?.intercept(obs, 'obs');
  const pages = createConsole({
    store,
    tasks: mpc.tasks,
    functiongraph,
    accessKey: ACCOUNT,
    uploadBucket: UPLOAD_BUCKET,
  });
  const gateway = createGateway({ functiongraph, credentials, fallback: pages.handle });
  const iam = createIamServer({
    credentials,
    region: REGION,
    agencies: [functionsAgency(UPLOAD_BUCKET, SNAPSHOT_BUCKET)],
  });
  const apig = createApiGroupServer({ credentials, groups: [{ id: API_GROUP, name: API_GROUP }] });

  const close = async (): Promise<void> => {
    stopEvents();
    faults?.close();
    pages.close();
    await Promise.all([...[gateway, obs, iam, apig].map(closeServer), functiongraph.close()]);
    await mpc.close();
    await capture.close();
    await store.close();
    if (options.dataDirectory === undefined) await rm(directory, { recursive: true, force: true });
  };
  const servers = { gateway, obs, mpc: mpc.server, functiongraph: functiongraph.server, iam, apig };
  try {
    const addresses = await listenAll(servers, options.port);
    pages.setObsAddress(addresses.obs);
    await store.setCors(UPLOAD_BUCKET, [
      {
        allowedOrigins: consoleOrigins(addresses.gateway),
        allowedMethods: ['PUT'],
        allowedHeaders: ['*'],
        exposeHeaders: [],
      },
    ]);
    return {
      addresses,
      accessKey: ACCOUNT,
      region: REGION,
      uploadBucket: UPLOAD_BUCKET,
      snapshotBucket: SNAPSHOT_BUCKET,
      store,
      mpc,
      capture,
      functiongraph,
      environment: environmentOf(addresses),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listenAll(servers: Record<keyof Addresses, Server>, port: number): Promise<Addresses> {
  const addresses: Partial<Addresses> = {};
  let next = port;
  for (const name of ['gateway', 'obs', 'mpc', 'functiongraph', 'iam', 'apig'] as const) {
    const wanted = next;
    const taken = await listen(servers[name], wanted).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EADDRINUSE' ? new PortTaken(wanted) : error;
    });
    addresses[name] = `http://127.0.0.1:${taken}`;
    if (port !== 0) next += 1;
  }
  return addresses as Addresses;
}

function consoleOrigins(gateway: string): string[] {
  return [gateway, gateway.replace('127.0.0.1', 'localhost')];
}

function environmentOf(addresses: Addresses): Record<string, string> {
  return {
    HUAWEICLOUD_SDK_AK: ACCOUNT.accessKey,
    HUAWEICLOUD_SDK_SK: ACCOUNT.secretKey,
    HUAWEICLOUD_SDK_PROJECT_ID: ACCOUNT.projectId,
    HUAWEICLOUD_SDK_REGION: REGION,
    API_ENDPOINT: addresses.gateway,
    OBS_ENDPOINT: addresses.obs,
    MPC_ENDPOINT: addresses.mpc,
    FUNCTIONGRAPH_ENDPOINT: addresses.functiongraph,
    IAM_ENDPOINT: addresses.iam,
    APIG_ENDPOINT: addresses.apig,
    UPLOAD_BUCKET,
    SNAPSHOT_BUCKET,
  };
}
