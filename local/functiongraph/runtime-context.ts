import type { InstanceConfiguration, InvocationCredentials } from './instance-protocol';
import type { RuntimeLogger } from './runtime-logger';

/**
 * The `context` argument of a Node.js handler (FunctionGraph developer guide, Node.js SDK APIs). Its oddities are the
 * platform's: memory and CPU are strings; "running time in seconds" is in milliseconds; there is no trace id and no
 * region; without an agency all credentials are empty strings.
 */
export class RuntimeContext {
  readonly #configuration: InstanceConfiguration;
  readonly #credentials: InvocationCredentials;
  readonly #requestId: string;
  readonly #logger: RuntimeLogger;
  readonly #createdAtMs = Date.now();

  constructor(
    configuration: InstanceConfiguration,
    credentials: InvocationCredentials,
    requestId: string,
    logger: RuntimeLogger,
  ) {
    this.#configuration = configuration;
    this.#credentials = credentials;
    this.#requestId = requestId;
    this.#logger = logger;
  }

  getRequestID(): string {
    return this.#requestId;
  }

  getRemainingTimeInMilliSeconds(): number {
    return this.#configuration.timeoutSeconds * 1000 - (Date.now() - this.#createdAtMs);
  }

  getRunningTimeInSeconds(): number {
    return this.#configuration.timeoutSeconds * 1000;
  }

  getMemorySize(): string {
    return String(this.#configuration.memoryMb);
  }

  getCPUNumber(): string {
    return String(this.#configuration.cpuMillicores);
  }

  getFunctionName(): string {
    return this.#configuration.functionName;
  }

  getPackage(): string {
    return this.#configuration.packageName;
  }

  getVersion(): string {
    return this.#configuration.version;
  }

  getProjectID(): string {
    return this.#configuration.projectId;
  }

  getAlias(): string {
    return '';
  }

  getUserData(key: string): unknown {
    const { userData } = this.#configuration;
    return Object.hasOwn(userData, key) ? userData[key] : undefined;
  }

  /** No longer maintained by the platform: always empty. */
  getAccessKey(): string {
    return '';
  }

  /** No longer maintained by the platform: always empty. */
  getSecretKey(): string {
    return '';
  }

  getSecurityAccessKey(): string {
    return this.#credentials.accessKey;
  }

  getSecuritySecretKey(): string {
    return this.#credentials.secretKey;
  }

  getSecurityToken(): string {
    return this.#credentials.securityToken;
  }

  /** The IAM token of the agency. */
  getToken(): string {
    return this.#credentials.token;
  }

  getLogger(): RuntimeLogger {
    return this.#logger;
  }

  getWorkflowID(): string {
    return '';
  }

  getWorkflowRunID(): string {
    return '';
  }

  getWorkflowStateID(): string {
    return '';
  }
}
