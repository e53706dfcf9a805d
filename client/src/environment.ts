import type { Authentication } from './authentication';
import type { ClientOptions } from './client';
import { SnapshotsError } from './errors';

/**
 * Reads the options of a client from the environment: `API_ENDPOINT`; then `API_APP_KEY` and `API_APP_SECRET`, or
 * `API_APP_CODE`, or `HUAWEICLOUD_SDK_AK` and `HUAWEICLOUD_SDK_SK`. `mpc-snapshots exec` sets them for its command.
 * @throws SnapshotsError without `API_ENDPOINT`
 */
export function optionsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): ClientOptions {
  const { API_ENDPOINT: endpoint } = environment;
  if (!endpoint) throw new SnapshotsError('API_ENDPOINT is not set: set it to the address of the API');
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
