import type { FunctionContext } from '../../shared/core/context';
import { readSettings, type Settings } from '../../shared/installation/settings';

/** The user data of a small installation in ap-southeast-3. */
export const userData: Readonly<Record<string, string>> = {
  REGION: 'ap-southeast-3',
  UPLOAD_BUCKETS: 'videos',
  SNAPSHOT_BUCKET: 'snapshots',
};

/** A context as FunctionGraph passes it to a function. */
export function functionContext(data: Readonly<Record<string, string>> = userData): FunctionContext {
  return {
    getRequestID: () => '11cdcdcf-3394-9dc6-d722-640a13091c77',
    getRemainingTimeInMilliSeconds: () => 10_000,
    getProjectID: () => '77b6a44cba5143ab91d13ab9a8ff44fd',
    getFunctionName: () => 'create',
    getUserData: (key) => data[key],
    getSecurityAccessKey: () => 'TEMPORARYACCESSKEY',
    getSecuritySecretKey: () => 'temporary-secret-key',
    getSecurityToken: () => 'temporary-security-token',
  };
}

/** The settings of an installation whose user data differs in a few keys. */
export function settingsWith(changes: Readonly<Record<string, string>> = {}): Settings {
  return readSettings(functionContext({ ...userData, ...changes }));
}
