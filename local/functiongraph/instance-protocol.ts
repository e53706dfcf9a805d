/** The messages between FunctionGraph and the process of one function instance. */

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

/** Temporary key and IAM token of the function's agency; empty strings without an agency. */
export interface InvocationCredentials {
  accessKey: string;
  secretKey: string;
  securityToken: string;
  token: string;
}

/** What an instance must know before its first request. */
export interface InstanceConfiguration {
  codeRoot: string;
  /** `file.function`, the file relative to the code root and without its extension. */
  handler: string;
  initializerHandler: string | undefined;
  functionName: string;
  packageName: string;
  version: string;
  projectId: string;
  timeoutSeconds: number;
  memoryMb: number;
  cpuMillicores: number;
  userData: Record<string, unknown>;
  maxResponseBytes: number;
}

export type ToInstance =
  | { type: 'initialise'; configuration: InstanceConfiguration; credentials: InvocationCredentials }
  | { type: 'invoke'; requestId: string; event: string; credentials: InvocationCredentials };

/** The first answer of the user's code, in the form that the platform passes on. */
export interface Answer {
  isError: boolean;
  errorCode?: number;
  body: string;
}

export type FromInstance =
  | { type: 'ready' }
  | { type: 'answer'; answer: Answer; rssBytes: number }
  | { type: 'log'; timeMs: number; level: LogLevel; text: string };
