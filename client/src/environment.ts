import type { Authentication } from './authentication';
import type { ClientOptions } from './client';
import { SnapshotsError } from './errors';

/**
 * Options of a client from the variables that `mpc-snapshots exec` gives to its command, and that the vendor's SDKs read:
 * `API_ENDPOINT`; then `API_APP_KEY` and `API_APP_SECRET`, or `API_APP_CODE`, or `HUAWEICLOUD_SDK_AK` and `HUAWEICLOUD_SDK_SK`.
 * @throws SnapshotsError without `API_ENDPOINT`
 */
export function optionsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): ClientOptions {
  const { API_ENDPOINT: endpoint } = environment;
  if (!endpoint) throw new SnapshotsError('API_ENDPOINT is not set: it is the address of the API');
  return { endpoint, authentication: authenticationOf(environment) };
}

function authenticationOf(
  environment: Readonly<Record<string, string | undefined>>,
): Authentication | undefined {
  const { API_APP_KEY: appKey, API_APP_SECRET: appSecret, API_APP_CODE: appCode } = environment;
  if (appKey && appSecret) return { appKey, appSecret };
  if (appCode) return { appCode };
  const {
    HUAWEICLOUD_SDK_AK: accessKey,
    HUAWEICLOUD_SDK_SK: secretKey,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: securityToken,
    HUAWEICLOUD_SDK_PROJECT_ID: projectId,
  } = environment;
  return accessKey && secretKey ? { accessKey, secretKey, securityToken, projectId } : undefined;
}
