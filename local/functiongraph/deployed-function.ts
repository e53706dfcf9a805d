import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { Credentials } from '../iam/credentials';
import type { AsyncInvokeConfiguration } from './async-invoke-configuration';
import type { AsyncRecords } from './async-records';
import type { FunctionGraphBehaviour } from './behaviour';
import type { CodePackage } from './code-package';
import { allUserData, type FunctionConfiguration, plainUserData } from './function-configuration';
import { type AccountConcurrency, InstancePool } from './instance-pool';
import { InstanceProcess } from './instance-process';
import type { InstanceConfiguration, InvocationCredentials } from './instance-protocol';
import type { LaunchLine } from './launch-line';
import type { Trigger } from './triggers';

/** Largest result of a function (RUNTIME_MAX_RESP_BODY_SIZE). */
const MAX_RESPONSE_BYTES = 6_291_456;
const DEFAULT_MAX_INSTANCES = 400;

/** One version of a function: `latest`, which can change, or a published one, which cannot. */
interface FunctionVersion {
  name: string;
  /** Ends with the version. */
  urn: string;
  /** `latest`, or the name of the published version. */
  version: string;
  versionDescription: string;
  /** The folder for all files of the function, of all its versions. */
  directory: string;
  configuration: FunctionConfiguration;
  code: CodePackage;
  lastModifiedMs: number;
}

/** A function with its code, configuration, triggers and instances. */
export interface DeployedFunction extends FunctionVersion {
  /** Its published versions, oldest first; empty for a published version. */
  versions: Map<string, DeployedFunction>;
  triggers: Trigger[];
  asyncInvoke: AsyncInvokeConfiguration | undefined;
  asyncRecords: AsyncRecords;
  pool: InstancePool;
}

/** Where and under which rules a function runs. */
export interface Surroundings {
  projectId: string;
  /** Contains the directories of the functions. */
  workDirectory: string;
  behaviour: FunctionGraphBehaviour;
  account: AccountConcurrency;
  launchLine: LaunchLine;
  onRelease: () => void;
}

/** Creates a function. Its first instance starts with its first request. */
export function deployedFunction(version: FunctionVersion, surroundings: Surroundings): DeployedFunction {
  const deployed: DeployedFunction = {
    ...version,
    versions: new Map(),
    triggers: [],
    asyncInvoke: undefined,
    asyncRecords: new Map(),
    pool: new InstancePool({
      launch: () => launchInstance(deployed, surroundings),
      launchLine: surroundings.launchLine,
      maxInstances: () => deployed.configuration.strategy_config?.concurrency ?? DEFAULT_MAX_INSTANCES,
      idleReclaimMs: surroundings.behaviour.idleReclaimMs,
      account: surroundings.account,
      onRelease: surroundings.onRelease,
    }),
  };
  return deployed;
}

/** What an instance must know about its function. */
export function instanceConfiguration(deployed: DeployedFunction, projectId: string): InstanceConfiguration {
  const { configuration, code } = deployed;
  return {
    codeRoot: code.codeRoot,
    handler: configuration.handler,
    initializerHandler: configuration.initializer_handler || undefined,
    functionName: deployed.name,
    packageName: configuration.package,
    version: deployed.version,
    projectId,
    timeoutSeconds: configuration.timeout,
    memoryMb: configuration.memory_size,
    cpuMillicores: cpuMillicores(configuration.memory_size),
    userData: allUserData(configuration),
    maxResponseBytes: MAX_RESPONSE_BYTES,
  };
}

/** Key and token of the execution agency, or of the configuration agency if there is none; empty without either. */
export function agencyCredentials(
  configuration: FunctionConfiguration,
  credentials: Credentials,
): InvocationCredentials {
  const agency = configuration.app_xrole || configuration.xrole;
  if (!agency) return { accessKey: '', secretKey: '', securityToken: '', token: '' };
  const {
    accessKey,
    secretKey,
    securityToken = '',
    token = '',
  } = credentials.temporaryKeyOf(agency, configuration.func_name);
  return { accessKey, secretKey, securityToken, token };
}

/** Sample outputs show 300 at 128 MB and 400 at 256 MB. The line through both is our guess for the rest. */
export function cpuMillicores(memoryMb: number): number {
  return 200 + Math.round((memoryMb * 100) / 128);
}

function launchInstance(deployed: DeployedFunction, surroundings: Surroundings): InstanceProcess {
  const { configuration, code } = deployed;
  const instance = instanceConfiguration(deployed, surroundings.projectId);
  // On the platform, /tmp belongs to one instance and disappears with it.
  const temporary = mkdtempSync(path.join(deployed.directory, 'tmp-'));
  const environment: Record<string, string> = {
    ...(surroundings.behaviour.userDataInEnvironment ? stringsOf(plainUserData(configuration)) : {}),
    PATH: process.env.PATH ?? '',
    TMPDIR: temporary,
    RUNTIME_PROJECT_ID: instance.projectId,
    RUNTIME_FUNC_NAME: instance.functionName,
    RUNTIME_FUNC_VERSION: instance.version,
    RUNTIME_PACKAGE: instance.packageName,
    RUNTIME_HANDLER: instance.handler,
    RUNTIME_TIMEOUT: String(instance.timeoutSeconds),
    RUNTIME_USERDATA: JSON.stringify(instance.userData),
    RUNTIME_CPU: String(instance.cpuMillicores),
    RUNTIME_MEMORY: String(instance.memoryMb),
    RUNTIME_MAX_RESP_BODY_SIZE: String(instance.maxResponseBytes),
    RUNTIME_INITIALIZER_HANDLER: instance.initializerHandler ?? '',
    RUNTIME_INITIALIZER_TIMEOUT: String(configuration.initializer_timeout ?? ''),
    RUNTIME_ROOT: '/home/snuser/runtime',
    RUNTIME_CODE_ROOT: code.codeRoot,
    RUNTIME_LOG_DIR: '/home/snuser/log',
  };
  return new InstanceProcess(environment, code.functionRoot, temporary, instance.memoryMb);
}

function stringsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
