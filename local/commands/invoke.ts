import { FUNCTION_NAMES } from '../../deploy/bundle';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { ACCOUNT, REGION } from '../account';
import { DEFAULT_PORT, MAX_FIRST_PORT, portOf } from '../ports';
import { UsageError } from '../usage-error';
import { readArguments, readInteger } from './arguments';
import { startDeployedCloud } from './deployed-cloud';
import { readInput } from './read-input';
import { print } from './terminal';

export const OPTIONS = {
  event: { type: 'string', short: 'e' },
  port: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/**
 * Runs a function once and prints its result. The log goes to standard error.
 *
 * The local cloud is the one at `--port`, at FUNCTIONGRAPH_ENDPOINT or at the default address. If none runs there, the
 * command starts one.
 * @returns exit code 1 if the function failed
 */
export async function invoke(args: readonly string[]): Promise<number> {
  const { functionName, eventFile, port } = readInvocation(args);
  const event = await readEvent(eventFile);
  const endpoint = endpointAt(port);
  if (await isListening(endpoint)) return run(endpoint, functionName, event);
  const cloud = await startDeployedCloud({ port: 0 });
  try {
    return await run(cloud.addresses.functiongraph, functionName, event);
  } finally {
    await cloud.close();
  }
}

function readInvocation(args: readonly string[]) {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: OPTIONS,
  });
  const [functionName = ''] = positionals;
  if (!FUNCTION_NAMES.some((name) => name === functionName)) {
    throw new UsageError(`invoke needs one of ${FUNCTION_NAMES.join(', ')}, got "${functionName}"`);
  }
  return {
    functionName,
    eventFile: values.event,
    port: readInteger('--port', values.port, [1, MAX_FIRST_PORT]),
  };
}

function endpointAt(port: number | undefined): string {
  const { FUNCTIONGRAPH_ENDPOINT } = process.env;
  if (port === undefined && FUNCTIONGRAPH_ENDPOINT) return FUNCTIONGRAPH_ENDPOINT;
  return `http://127.0.0.1:${portOf('functiongraph', port ?? DEFAULT_PORT)}`;
}

async function readEvent(file: string | undefined): Promise<unknown> {
  if (file === undefined) return {};
  const source = await readInput(file);
  try {
    return JSON.parse(source);
  } catch {
    throw new UsageError(`the event in ${file === '-' ? 'standard input' : file} is not JSON`);
  }
}

async function isListening(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

async function run(endpoint: string, functionName: string, event: unknown): Promise<number> {
  const connection = connectionFrom(
    {
      HUAWEICLOUD_SDK_AK: ACCOUNT.accessKey,
      HUAWEICLOUD_SDK_SK: ACCOUNT.secretKey,
      HUAWEICLOUD_SDK_PROJECT_ID: ACCOUNT.projectId,
      ...process.env,
      FUNCTIONGRAPH_ENDPOINT: endpoint,
    },
    REGION,
  );
  const { isError, result, log } = await new FunctionGraphApi(new CloudApi(connection)).invoke(
    functionName,
    event,
  );
  if (log !== '') process.stderr.write(`${log.trimEnd()}\n`);
  print(result);
  return isError ? 1 : 0;
}
