import { SnapshotClient } from '../../../client/src';
import { UsageError } from '../../../local/usage-error';

/** Where a deployed service is. */
export interface DeployedService {
  /** For people: the stage. */
  name: string;
  /** Address of the API group, up to `/snapshots`, without a slash at the end. */
  apiEndpoint: string;
  region: string;
  obsEndpoint: string;
  uploadBucket: string;
  snapshotBucket: string;
  /** The service's PUBLIC_URL, without a slash at the end. */
  publicUrl?: string;
  /** What uploads through the page begin with: the service's UPLOAD_PREFIX. */
  uploadPrefix: string;
}

/** Whose rights the console has. Never leaves this process, but in signatures. */
export interface Caller {
  accessKey: string;
  secretKey: string;
  projectId: string;
  /** Of temporary keys. */
  securityToken?: string;
  /** Key of a caller of the API (`npm run callers`), where the API has authentication APP. */
  app?: { key: string; secret: string };
}

/** Flags of `npm run console`; the environment has the rest. */
export interface ServiceFlags {
  stage?: string | undefined;
  api?: string | undefined;
}

/**
 * Finds the service from flags and environment.
 * @throws UsageError that names everything that is missing
 */
export function deployedService(flags: ServiceFlags, environment: NodeJS.ProcessEnv): DeployedService {
  const apiEndpoint = flags.api ?? environment.API_ENDPOINT;
  const {
    HUAWEICLOUD_SDK_REGION: region,
    UPLOAD_BUCKET: uploadBucket,
    SNAPSHOT_BUCKET: snapshotBucket,
  } = environment;
  refuseMissing({
    '--api or API_ENDPOINT': apiEndpoint,
    HUAWEICLOUD_SDK_REGION: region,
    UPLOAD_BUCKET: uploadBucket,
    SNAPSHOT_BUCKET: snapshotBucket,
  });
  return {
    name: flags.stage ?? 'deployed',
    apiEndpoint: address('API_ENDPOINT', apiEndpoint ?? ''),
    region: region ?? '',
    obsEndpoint: address(
      'OBS_ENDPOINT',
      environment.OBS_ENDPOINT || `https://obs.${region}.myhuaweicloud.com`,
    ),
    uploadBucket: uploadBucket ?? '',
    snapshotBucket: snapshotBucket ?? '',
    uploadPrefix: environment.UPLOAD_PREFIX ?? '',
    ...(environment.PUBLIC_URL && { publicUrl: address('PUBLIC_URL', environment.PUBLIC_URL) }),
  };
}

/**
 * The caller's own credentials, under the names that the vendor's SDKs use.
 * @throws UsageError that names everything that is missing
 */
export function callerOf(environment: NodeJS.ProcessEnv): Caller {
  const {
    HUAWEICLOUD_SDK_AK: accessKey,
    HUAWEICLOUD_SDK_SK: secretKey,
    HUAWEICLOUD_SDK_PROJECT_ID: projectId,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: securityToken,
    API_APP_KEY: appKey,
    API_APP_SECRET: appSecret,
  } = environment;
  refuseMissing({
    HUAWEICLOUD_SDK_AK: accessKey,
    HUAWEICLOUD_SDK_SK: secretKey,
    HUAWEICLOUD_SDK_PROJECT_ID: projectId,
  });
  return {
    accessKey: accessKey ?? '',
    secretKey: secretKey ?? '',
    projectId: projectId ?? '',
    ...(securityToken && { securityToken }),
    ...(appKey && appSecret && { app: { key: appKey, secret: appSecret } }),
  };
}

/** The service's own API, signed with the key of a caller (authentication APP) or else with the access key (IAM). */
export function clientOf({ apiEndpoint }: DeployedService, { app, ...accessKey }: Caller): SnapshotClient {
  const authentication = app === undefined ? accessKey : { appKey: app.key, appSecret: app.secret };
  // A person waits for the page: an error at once is better than a late answer.
  return new SnapshotClient({ endpoint: apiEndpoint, authentication, retries: 0 });
}

function refuseMissing(values: Readonly<Record<string, string | undefined>>): void {
  const missing = Object.keys(values).filter((name) => !values[name]);
  if (missing.length > 0) throw new UsageError(`console needs ${missing.join(', ')} in the environment`);
}

/** @throws UsageError */
function address(name: string, value: string): string {
  const text = /^https?:\/\//.test(value) ? value : `https://${value}`;
  if (!URL.canParse(text))
    throw new UsageError(`${name} must be an address such as https://…, got "${value}"`);
  return text.replace(/\/+$/, '').replace(/\/snapshots$/, '');
}
