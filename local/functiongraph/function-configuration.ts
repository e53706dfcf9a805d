import * as z from 'zod';
import type { FunctionGraphBehaviour } from './behaviour';
import { FunctionGraphError, type FunctionGraphErrorCode } from './errors';
import { runtimesOf } from './region';

const MEMORY_SIZES_MB = [
  128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240,
];
const MAX_USER_DATA_CHARACTERS = 4096;

const handler = (field: string) =>
  z
    .string()
    .regex(/^[^\s]+\.[^\s.]+$/, `${field} must have the form file.function, for example index.handler`)
    .min(3, `${field} must have 3 to 128 characters`)
    .max(128, `${field} must have 3 to 128 characters`);

/** User data is sent as a string with a JSON object of names and values. */
const userData = (field: string) =>
  z
    .string()
    .max(
      MAX_USER_DATA_CHARACTERS,
      `${field} must have at most ${MAX_USER_DATA_CHARACTERS} characters in total`,
    )
    .superRefine((text, context) => {
      const parsed = parseUserData(text);
      if (parsed === undefined) {
        context.addIssue({
          code: 'custom',
          message: `${field} must be a JSON object in a string, for example "{\\"REGION\\":\\"cn-north-4\\"}"`,
        });
        return;
      }
      for (const name of Object.keys(parsed)) {
        if (/^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !name.startsWith('RUNTIME_')) continue;
        context.addIssue({
          code: 'custom',
          message: `${field} names "${name}"; a name starts with a letter, has letters, digits and _ only, and does not begin with RUNTIME_`,
        });
      }
    });

const settings = {
  handler: handler('handler'),
  memory_size: z
    .number()
    .refine(
      (mb) => MEMORY_SIZES_MB.includes(mb),
      `memory_size must be one of ${MEMORY_SIZES_MB.join(', ')} (MB)`,
    ),
  timeout: z
    .number()
    .int()
    .min(3, 'timeout must be 3 to 259200 (s)')
    .max(259_200, 'timeout must be 3 to 259200 (s)'),
  runtime: z.string(),
  func_name: z
    .string()
    .regex(
      /^[A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z0-9])?$/,
      'func_name must have 1 to 60 letters, digits, _ and -, start with a letter and end with a letter or digit',
    ),
  description: z.string().max(512, 'description must have at most 512 characters').optional(),
  user_data: userData('user_data').optional(),
  encrypted_user_data: userData('encrypted_user_data').optional(),
  xrole: z.string().optional(),
  app_xrole: z.string().optional(),
  initializer_handler: handler('initializer_handler').or(z.literal('')).optional(),
  initializer_timeout: z
    .number()
    .int()
    .min(1, 'initializer_timeout must be 1 to 300 (s)')
    .max(300, 'initializer_timeout must be 1 to 300 (s)')
    .optional(),
  // Accepted and shown but never called: the platform's Node.js runtime has no such call.
  pre_stop_handler: handler('pre_stop_handler').or(z.literal('')).optional(),
  pre_stop_timeout: z
    .number()
    .int()
    .min(1, 'pre_stop_timeout must be 1 to 90 (s)')
    .max(90, 'pre_stop_timeout must be 1 to 90 (s)')
    .optional(),
  /** Logs go to LTS or are lost: functions of version 2 keep no logs of their own. */
  enable_lts_log: z.boolean().optional(),
  log_config: z
    .object({
      group_id: z.string().min(1),
      group_name: z.string().min(1),
      stream_id: z.string().min(1),
      stream_name: z.string().min(1),
    })
    .optional(),
};

/** -1: no limit of its own; 0: the function is disabled. */
export const maxInstances = z
  .number()
  .int()
  .min(-1, 'must be -1 (no limit) or 0 to 1000 instances')
  .max(1000, 'must be -1 (no limit) or 0 to 1000 instances');

const strategy = z.object({
  concurrency: maxInstances.optional(),
  concurrent_num: z
    .literal(
      1,
      'strategy_config.concurrent_num must be 1: an event function runs one request per instance at a time',
    )
    .optional(),
});

const code = z.object({
  code_type: z.literal('zip', 'code_type must be "zip": the local cloud takes uploaded zips only'),
  code_filename: z.string().optional(),
  func_code: z.object({ file: z.string().min(1, 'func_code.file must hold the base64-encoded zip') }),
});

export const createFunctionBody = z
  .object({
    ...settings,
    type: z.literal('v2', 'type must be "v2": the local cloud has no functions of version 1').optional(),
    package: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_-]{0,59}$/)
      .default('default'),
  })
  .and(code);
export const updateConfigurationBody = z.object({ ...settings, strategy_config: strategy.optional() });
export const updateCodeBody = code;

/** The configuration of a function, in the API's own names. */
export type FunctionConfiguration = z.infer<typeof updateConfigurationBody> & { package: string };

/** @throws FunctionGraphError FSS.1005 for a runtime that the region does not have */
export function refuseRuntime(
  runtime: string,
  behaviour: Pick<FunctionGraphBehaviour, 'newestRuntime'>,
): void {
  const runtimes = runtimesOf(behaviour);
  if (runtimes.includes(runtime)) return;
  throw new FunctionGraphError(
    'FSS.1005',
    `runtime "${runtime}" does not exist here: use one of ${runtimes.join(', ')}`,
  );
}

/** @throws FunctionGraphError FSS.1026 for a `strategy_config` that lacks what is mandatory */
export function refuseStrategy(
  strategy: FunctionConfiguration['strategy_config'],
  { needsConcurrentNum }: Pick<FunctionGraphBehaviour, 'needsConcurrentNum'>,
): void {
  if (strategy === undefined || strategy.concurrent_num !== undefined || !needsConcurrentNum) return;
  throw new FunctionGraphError(
    'FSS.1026',
    'strategy_config.concurrent_num is missing: it is mandatory, 1 for an event function',
  );
}

/** The API reference's error code for a wrong value of each field. */
const CODE_OF_FIELD: Record<string, FunctionGraphErrorCode> = {
  func_name: 'FSS.1002',
  handler: 'FSS.1003',
  package: 'FSS.1004',
  runtime: 'FSS.1005',
  code_type: 'FSS.1006',
  memory_size: 'FSS.1007',
  timeout: 'FSS.1008',
  user_data: 'FSS.1009',
  encrypted_user_data: 'FSS.1009',
  func_code: 'FSS.1012',
  description: 'FSS.1019',
  version: 'FSS.1015',
  strategy_config: 'FSS.1026',
  max_instance_num: 'FSS.1026',
  initializer_handler: 'FSS.1404',
  initializer_timeout: 'FSS.1405',
};

/**
 * Reads a JSON request body with a schema.
 *
 * @param fallback error code of fields without a code of their own
 * @throws FunctionGraphError FSS.0406 if the body is not JSON, else the code of the first wrong field
 */
export function parseBody<T>(
  schema: z.ZodType<T>,
  body: Buffer,
  fallback: FunctionGraphErrorCode = 'FSS.0400',
): T {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch (error) {
    throw new FunctionGraphError('FSS.0406', `the request body is not JSON: ${(error as Error).message}`);
  }
  return parseWith(schema, json, fallback);
}

/** Checks a value with a schema; see parseBody. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, fallback: FunctionGraphErrorCode): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? '');
  throw new FunctionGraphError(
    CODE_OF_FIELD[field] ?? fallback,
    `${issue?.path.join('.') || 'body'}: ${issue?.message}`,
  );
}

/** @throws FunctionGraphError FSS.1009 if plain and encrypted user data contain the same key */
export function refuseSharedKeys(
  configuration: Pick<FunctionConfiguration, 'user_data' | 'encrypted_user_data'>,
) {
  const plain = plainUserData(configuration);
  for (const name of Object.keys(parseUserData(configuration.encrypted_user_data ?? '') ?? {})) {
    if (!Object.hasOwn(plain, name)) continue;
    throw new FunctionGraphError(
      'FSS.1009',
      `user_data and encrypted_user_data both name "${name}": keep it in one of them`,
    );
  }
}

/** The plain user data as an object. */
export function plainUserData(
  configuration: Pick<FunctionConfiguration, 'user_data'>,
): Record<string, unknown> {
  return parseUserData(configuration.user_data ?? '') ?? {};
}

/** Plain and encrypted user data as one object, which `context.getUserData` reads. */
export function allUserData(configuration: FunctionConfiguration): Record<string, unknown> {
  return {
    ...plainUserData(configuration),
    ...parseUserData(configuration.encrypted_user_data ?? ''),
  };
}

/** An empty string means no data. Undefined if the text cannot be read. */
function parseUserData(text: string): Record<string, unknown> | undefined {
  if (text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return parsed as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
