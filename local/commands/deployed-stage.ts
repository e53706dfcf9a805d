import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import type { ReadLog } from '../../console/sources/deployed/logged-calls';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { type DesiredFunction, desiredState } from '../../deploy/desired-state';
import { DeployError } from '../../deploy/errors';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { functionLines } from '../../deploy/logs';
import { readService } from '../../deploy/service-file';
import { PACKAGE_FOLDER } from '../../package-folder';
import { UsageError } from '../usage-error';

/** The package reads the user's own `serverless.yml`. */
const folder = () => (PACKAGE_FOLDER === undefined ? path.resolve(__dirname, '..', '..') : process.cwd());

/** Variables by name; `process.env` has this type. */
type Environment = Readonly<Record<string, string | undefined>>;

/** A deployed stage as the console reaches it. */
export interface DeployedStage {
  /**
   * Environment variables: from `serverless.yml` and, if API_ENDPOINT is not set, the address under which FunctionGraph
   * published its API. Variables that are set take precedence.
   */
  environment: Environment;
  readLog: ReadLog;
}

/**
 * Finds a deployed stage.
 *
 * Reads `.env.<stage>`, or `.env` if there is none, as the framework does.
 * @param api the address, if it is known in another way: then FunctionGraph is not asked
 * @throws UsageError
 */
export async function deployedStage(
  stage: string,
  environment: Environment,
  api: string | undefined,
): Promise<DeployedStage> {
  const known = { ...variablesOf(stage), ...environment };
  try {
    const desired = desiredState(await readService(stage, known as Record<string, string>, folder()));
    const query = desired.functions.find(({ source }) => source === 'query');
    if (query === undefined)
      throw new UsageError('serverless.yml has no function query, which the console needs');
    const { UPLOAD_BUCKETS = '', SNAPSHOT_BUCKET, UPLOAD_PREFIX, OBS_ENDPOINT } = query.userData;
    const cloud = new FunctionGraphApi(new CloudApi(connectionFrom(known, desired.region)));
    return {
      environment: {
        HUAWEICLOUD_SDK_REGION: desired.region,
        UPLOAD_BUCKET: UPLOAD_BUCKETS.split(',')[0]?.trim(),
        SNAPSHOT_BUCKET,
        UPLOAD_PREFIX,
        OBS_ENDPOINT,
        ...(!api && !known.API_ENDPOINT && { API_ENDPOINT: await publishedAddress(cloud, query.name) }),
        ...known,
      },
      readLog: logOf(desired.functions, cloud),
    };
  } catch (error) {
    if (error instanceof DeployError) throw new UsageError(error.message);
    throw error;
  }
}

function logOf(functions: readonly DesiredFunction[], cloud: FunctionGraphApi): ReadLog {
  const sources = new Map(functions.map(({ name, source }) => [name, source]));
  return async function* read({ word: keywords, ...time }) {
    for await (const { id, line } of functionLines(functions, { ...time, keywords }, cloud)) {
      const source = sources.get(line.function ?? '');
      // Functions of other stages may log to the same place.
      if (source !== undefined) yield { id, fields: { ...line, function: source } };
    }
  };
}

function variablesOf(stage: string): Environment {
  const file = [`.env.${stage}`, '.env'].map((name) => path.join(folder(), name)).find(existsSync);
  return file === undefined ? {} : parseEnv(readFileSync(file, 'utf8'));
}

async function publishedAddress(cloud: FunctionGraphApi, functionName: string): Promise<string> {
  const triggers = await cloud.listTriggers(functionName);
  const url = triggers.map(({ event_data }) => event_data.invoke_url).find((one) => typeof one === 'string');
  if (typeof url === 'string') return url.replace(/\/snapshots\b.*$/, '');
  throw new UsageError(
    `FunctionGraph knows no API address of ${functionName}: deploy it first, or give the address with --api URL`,
  );
}
