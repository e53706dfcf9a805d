import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createConsole } from '../console/server/console-server';
import { LocalSource } from '../console/sources/local/local-source';
import { RequestLog } from '../console/sources/local/request-log';
import {
  ACCOUNT,
  API_GROUPS,
  GATEWAY_INSTANCE,
  LOG_PLACE,
  REGION,
  SNAPSHOT_BUCKET,
  TOPIC_NAME,
  UPLOAD_BUCKET,
} from './account';
import { GatewayBook, localInstance } from './apig/management/gateway-book';
import { createApiGroupServer, MANAGEMENT_PATHS } from './apig/management/server';
import { createGateway, type GatewayOptions } from './apig/server';
import { holdDataDirectory } from './data-directory';
import { createEventGridServer, EVENTGRID_PATHS } from './eg/server';
import { type FaultOptions, Faults } from './faults/faults';
import {
  createFunctionGraph,
  type FunctionGraph,
  type FunctionGraphOptions,
} from './functiongraph/functiongraph';
import { closeServer, listen } from './http-server';
import { functionsAgency } from './iam/agencies';
import type { AccessKey, Credentials } from './iam/credentials';
import { IdentityBook } from './iam/identity-book';
import { isAllowed } from './iam/rights';
import { createIamServer, IAM_PATHS } from './iam/server';
import { LogBook } from './lts/log-book';
import { createLts, LTS_PATHS, type LtsOptions } from './lts/server';
import { CapturePool } from './mpc/capture/capture-pool';
import { createMpc, MPC_CALLS_PER_MINUTE, type Mpc, type MpcOptions } from './mpc/server';
import { ObjectEventDelivery } from './object-event-delivery';
import { ObjectStore } from './obs/object-store';
import { createObsServer, type ObsOptions } from './obs/server';
import { LISTENERS, type Listener, portOf } from './ports';
import { publishingPolicy } from './smn/access-policy';
import { createSmn, SMN_PATHS } from './smn/server';
import { TopicBook } from './smn/topic-book';
import { UsageError } from './usage-error';

export interface CloudOptions {
  /** API Gateway and console listen here; OBS, MPC and FunctionGraph on the next three. 0 takes free ports. */
  port: number;
  /** Objects and tasks are kept here across restarts. Default: a temporary folder. */
  dataDirectory?: string;
  /** Switches for what MPC's documents leave open, and the speed of its queue. */
  mpc?: Pick<MpcOptions, 'behaviour' | 'callsPerMinute' | 'parallelTasks'> &
    Partial<Pick<MpcOptions, 'capture'>>;
  functiongraph?: Pick<FunctionGraphOptions, 'behaviour'>;
  obs?: Pick<ObsOptions, 'behaviour'>;
  apig?: Pick<GatewayOptions, 'behaviour'>;
  /**
   * Origins of pages under development, such as `http://localhost:3000`: they may call the APIs, upload and fetch
   * pictures.
   */
  origins?: readonly string[];
  lts?: Pick<LtsOptions, 'behaviour'>;
  /**
   * Starts with a new account: no bucket, agency, API group or log group, and no bucket that MPC may use. The dedicated
   * gateway exists.
   */
  isEmpty?: boolean;
  /** Actions that the account's key is denied; `*` is a wildcard: `iam:*`, `obs:bucket:CreateBucket`. */
  denied?: readonly string[];
  /** Names of buckets that belong to other accounts. */
  bucketsOfOthers?: readonly string[];
  /** Faults between the services. Default: none, until somebody sets them on the console. */
  faults?: FaultOptions;
}

/**
 * Address of each service, without a slash at the end. IAM and the management of API Gateway share the address of API
 * Gateway.
 */
export type Addresses = Record<Listener, string>;

/** A running local cloud: OBS, MPC, FunctionGraph, API Gateway, IAM and console in one process. */
export interface Cloud {
  addresses: Addresses;
  accessKey: AccessKey;
  /** Accepted keys. A test may add one of another account. */
  credentials: Credentials;
  region: string;
  uploadBucket: string;
  snapshotBucket: string;
  store: ObjectStore;
  mpc: Mpc;
  capture: CapturePool;
  functiongraph: FunctionGraph;
  topics: TopicBook;
  /** Environment variables for a client, named as in the vendor's SDKs where those have a name. */
  environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A cloud on a laptop rarely runs longer. */
const LOGS_KEPT_DAYS = 7;

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
 * @throws PortTaken, DataDirectoryTaken
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const directory = options.dataDirectory ?? (await mkdtemp(path.join(tmpdir(), 'mpc-snapshots-')));
  const releaseDirectory = holdDataDirectory(directory);
  const faults = new Faults(options.faults);
  const { isEmpty = false, denied = [], bucketsOfOthers = [] } = options;
  const credentials = faults.credentials({ ...ACCOUNT, denied });
  const requests = new RequestLog(credentials);
  const store = await ObjectStore.open(path.join(directory, 'obs'));
  for (const bucket of isEmpty ? [] : [UPLOAD_BUCKET, SNAPSHOT_BUCKET]) {
    if (!store.hasBucket(bucket)) await store.createBucket(bucket);
  }
  const topics = new TopicBook({ region: REGION, projectId: ACCOUNT.projectId });
  const capture = new CapturePool();
  const mpc = await createMpc({
    store,
    capture,
    credentials,
    region: REGION,
    topics: {
      mayPublish: (urn) => topics.mayPublish(urn, 'mpc'),
      publish: (urn, message) => void topics.publish(urn, message),
    },
    directory: path.join(directory, 'mpc'),
    ...(isEmpty && { authorizedBuckets: [] }),
    onRequest: requests.add,
    ...options.mpc,
  });
  let apiAddress: string | undefined;
  const logs = new LogBook();
  if (!isEmpty) {
    logs.createGroup(LOG_PLACE.groupName, LOGS_KEPT_DAYS, {}, LOG_PLACE.groupId);
    logs.createStream(LOG_PLACE.groupId, LOG_PLACE.streamName, undefined, {}, LOG_PLACE.streamId);
  }
  const functiongraph = createFunctionGraph({
    credentials,
    region: REGION,
    projectId: ACCOUNT.projectId,
    putObject: async (bucket, key, body) => {
      await store.put(bucket, key, Buffer.from(body), { contentType: 'application/json' });
    },
    hasTopic: (urn) => topics.has(urn),
    onAttempt: faults.onAttempt,
    keepLog: ({ groupId, streamId }, lines) => logs.append(groupId, streamId, lines),
    apiAddress: () => apiAddress,
    onRequest: (entry) => {
      requests.add(entry);
      if (entry.method !== 'GET') source.functionsChanged();
    },
    ...options.functiongraph,
  });
  const functionOf = (functionUrn: string) =>
    functiongraph.functions().find(({ urn }) => urn === functionUrn || urn === `${functionUrn}:latest`);
  const identities = new IdentityBook(isEmpty ? [] : [functionsAgency(UPLOAD_BUCKET, SNAPSHOT_BUCKET)]);
  const obs = createObsServer({
    store,
    credentials,
    region: REGION,
    bucketsOfOthers,
    // In a new account the functions may do only what their agency allows.
    isAllowed: (key, action, resource) =>
      isAllowed(key, action) &&
      (!isEmpty || key.agency === undefined || identities.agencyAllows(key.agency, action, resource)),
    functions: {
      has: (functionUrn) => functionOf(functionUrn) !== undefined,
      invoke: (functionUrn, event) =>
        void faults.deliver(functionUrn, () =>
          functiongraph.invokeAsync(functionOf(functionUrn)?.name ?? functionUrn, event, 'OBS'),
        ),
    },
    onRequest: requests.add,
    ...options.obs,
  });
  topics.onMessage((message) => {
    const what = `message ${message.id} of ${message.topicUrn}`;
    faults.deliverMessage(what, () => void functiongraph.deliverTopicMessage(message));
  });
  const topic = isEmpty ? undefined : openTopic(topics, mpc);
  const deliveries = new ObjectEventDelivery({ store, functiongraph, faults });
  faults.intercept(mpc.server, 'mpc');
  faults.intercept(obs, 'obs');
  const source = new LocalSource({
    store,
    tasks: mpc.tasks,
    functiongraph,
    deliveries,
    faults,
    requests,
    accessKey: ACCOUNT,
    region: REGION,
    uploadBucket: UPLOAD_BUCKET,
    snapshotBucket: SNAPSHOT_BUCKET,
    mpcCallsPerMinute: options.mpc?.callsPerMinute ?? MPC_CALLS_PER_MINUTE,
  });
  const pages = createConsole(source);
  const signed = { credentials, onRequest: requests.add };
  const iam = createIamServer({ ...signed, region: REGION, identities });
  const gateways = new GatewayBook([localInstance(GATEWAY_INSTANCE)], isEmpty ? [] : API_GROUPS);
  const groups = createApiGroupServer({
    ...signed,
    gateways,
    hasApis: (id) => functiongraph.apiRoutes().some(({ groupId }) => groupId === id),
    apis: () => functiongraph.apiRoutes(),
  });
  const lts = createLts({ ...signed, logs, ...options.lts });
  // These share the gateway's port: a port each would not be worth it for so few calls.
  const sharing: readonly (readonly [RegExp, Server])[] = [
    [IAM_PATHS, iam],
    [MANAGEMENT_PATHS, groups],
    [LTS_PATHS, lts],
    [
      SMN_PATHS,
      createSmn({ ...signed, topics, subscriptionsOf: (urn) => functiongraph.topicSubscriptions(urn) }),
    ],
    [EVENTGRID_PATHS, createEventGridServer({ ...signed, functiongraph })],
  ];
  const atGateway = (url: string): Server | undefined => sharing.find(([paths]) => paths.test(url))?.[1];
  const gateway = createGateway({
    functiongraph,
    credentials,
    accessOf: (instanceId) => gateways.accessOf(instanceId),
    onRequest: requests.add,
    origins: options.origins ?? [],
    fallback: (request, response) => {
      const server = atGateway(request.url ?? '/');
      return server === undefined ? pages(request, response) : server.emit('request', request, response);
    },
    ...options.apig,
  });

  const close = async (): Promise<void> => {
    deliveries.close();
    faults.close();
    source.close();
    await Promise.all([closeServer(gateway), closeServer(obs), functiongraph.close()]);
    await mpc.close();
    await capture.close();
    await store.close();
    releaseDirectory();
    if (options.dataDirectory === undefined) await rm(directory, { recursive: true, force: true });
  };
  const servers = { gateway, obs, mpc: mpc.server, functiongraph: functiongraph.server };
  try {
    const addresses = await listenAll(servers, options.port);
    apiAddress = addresses.gateway;
    const environment = {
      ...environmentOf(addresses),
      ...(topic !== undefined && { ...WHAT_IS_THERE, SMN_TOPIC_URN: topic }),
    };
    source.setAddresses(addresses, environment);
    if (!isEmpty) await openBuckets(store, consoleOrigins(addresses.gateway), options.origins ?? []);
    return {
      addresses,
      accessKey: ACCOUNT,
      credentials,
      region: REGION,
      uploadBucket: UPLOAD_BUCKET,
      snapshotBucket: SNAPSHOT_BUCKET,
      store,
      mpc,
      capture,
      functiongraph,
      topics,
      environment,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Environment variables for what exists in the account from the start. */
const WHAT_IS_THERE = {
  UPLOAD_BUCKET,
  SNAPSHOT_BUCKET,
  LTS_GROUP_ID: LOG_PLACE.groupId,
  LTS_GROUP_NAME: LOG_PLACE.groupName,
  LTS_STREAM_ID: LOG_PLACE.streamId,
  LTS_STREAM_NAME: LOG_PLACE.streamName,
};

/** The topic to which MPC publishes the end of tasks. @returns its URN */
function openTopic(topics: TopicBook, mpc: Mpc): string {
  const { urn } = topics.create(TOPIC_NAME, TOPIC_NAME).topic;
  topics.set(urn, { accessPolicy: publishingPolicy(urn, ['mpc']) });
  mpc.notifications.set([{ event_name: 'ThumbnailComplete', status: 'on', topic: urn, msg_type: 2 }]);
  return urn;
}

async function listenAll(servers: Record<Listener, Server>, firstPort: number): Promise<Addresses> {
  const addresses: Partial<Addresses> = {};
  for (const name of LISTENERS) {
    const wanted = firstPort === 0 ? 0 : portOf(name, firstPort);
    const taken = await listen(servers[name], wanted).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EADDRINUSE' ? new PortTaken(wanted) : error;
    });
    addresses[name] = `http://127.0.0.1:${taken}`;
  }
  return addresses as Addresses;
}

/** CORS rules: the console's pages may upload, and players may read what signed addresses give access to. */
async function openBuckets(
  store: ObjectStore,
  consoles: readonly string[],
  pages: readonly string[],
): Promise<void> {
  const common = { allowedHeaders: ['*'], exposeHeaders: ['ETag', 'x-obs-request-id'] };
  const page = {
    ...common,
    allowedOrigins: [...pages],
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
  };
  await store.setCors(UPLOAD_BUCKET, [
    { ...common, allowedOrigins: [...consoles], allowedMethods: ['PUT'] },
    ...(pages.length === 0 ? [] : [page]),
  ]);
  await store.setCors(SNAPSHOT_BUCKET, [
    { ...common, allowedOrigins: ['*'], allowedMethods: ['GET', 'HEAD'] },
  ]);
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
    IAM_ENDPOINT: addresses.gateway,
    OBS_ENDPOINT: addresses.obs,
    MPC_ENDPOINT: addresses.mpc,
    FUNCTIONGRAPH_ENDPOINT: addresses.functiongraph,
    APIG_ENDPOINT: addresses.gateway,
    LTS_ENDPOINT: addresses.gateway,
    EG_ENDPOINT: addresses.gateway,
    SMN_ENDPOINT: addresses.gateway,
  };
}
