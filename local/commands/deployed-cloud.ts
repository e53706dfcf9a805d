import { buildArtifacts } from '../../deploy/artifacts';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { deploy } from '../../deploy/deploy';
import { desiredState } from '../../deploy/desired-state';
import { LOCAL_STAGE } from '../../deploy/desired-triggers';
import { refuseSettings } from '../../deploy/doctor/settings';
import { DeployError } from '../../deploy/errors';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { withSubDomains } from '../../deploy/gateway-domains';
import { readService } from '../../deploy/service-file';
import { type Cloud, type CloudOptions, startCloud } from '../cloud';
import { UsageError } from '../usage-error';

/** For people who watch: of several uploads at once, each waits a moment and not until the sweep. */
const NOTHING_DISCARDED = { excessAsyncEvents: 'queued' } as const;

/**
 * Starts the local cloud and deploys stage `local` of `serverless.yml` to it, with the same calls as to Huawei Cloud.
 * @param settings further variables for `serverless.yml`, such as NOTIFY_URL
 */
export async function startDeployedCloud(
  options: CloudOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<Cloud> {
  const cloud = await startWatchedCloud(options);
  try {
    await deployTo(cloud, { ...limitOfCreates(options), ...settings });
    return cloud;
  } catch (error) {
    await cloud.close();
    // What is wrong with a setting is for the person who set it.
    throw error instanceof DeployError ? new UsageError(error.message) : error;
  }
}

/** How many tasks callers may create in a minute: as the environment says, or all that another quota of MPC allows. */
function limitOfCreates({ mpc }: CloudOptions): Record<string, string> {
  const limit = process.env.API_CREATES_PER_MINUTE ?? mpc?.callsPerMinute;
  return limit === undefined ? {} : { API_CREATES_PER_MINUTE: `${limit}` };
}

/** Starts the local cloud without functions, for people who watch. */
export function startWatchedCloud(options: CloudOptions): Promise<Cloud> {
  const behaviour = { ...NOTHING_DISCARDED, ...options.functiongraph?.behaviour };
  return startCloud({ ...options, functiongraph: { ...options.functiongraph, behaviour } });
}

/** `npm run deploy -- --stage local` in this process, without the start-up time of the framework. */
export async function deployTo(
  { environment, region }: Cloud,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const desired = desiredState(await readService(LOCAL_STAGE, { ...settings, ...environment }));
  refuseSettings(desired);
  const api = new FunctionGraphApi(new CloudApi(connectionFrom(environment, region)));
  await deploy(await withSubDomains(desired, api.cloud), await buildArtifacts(desired.functions), api);
}
