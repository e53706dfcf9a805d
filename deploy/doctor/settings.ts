import { compileFunction } from 'node:vm';
import { functionCode } from '../bundle';
import type { DesiredState, WantedFunction } from '../desired-state';
import type { Finding } from './finding';

/** Ms that the dry run may believe to have. */
const TIME_MS = 10_000;

/**
 * Whether the functions would accept their user data. Their own code says so: `create` is bundled as
 * for a deployment and asked for a dry run, which calls nothing.
 */
export async function checkSettings({ functions }: DesiredState): Promise<Finding[]> {
  const code = await functionCode('create');
  const keysByFault = new Map<string, string[]>();
  for (const one of functions) {
    const fault = await settingsFault(code.toString(), one);
    if (fault !== undefined) keysByFault.set(fault, [...(keysByFault.get(fault) ?? []), one.key]);
  }
  if (keysByFault.size === 0) {
    return [{ point: 'user data', state: 'ok', text: 'the functions accept their settings' }];
  }
  return [...keysByFault].map(([text, keys]) => ({
    point: `user data of ${keys.join(', ')}`,
    state: 'missing',
    text,
    todo: 'change environment in serverless.yml, or the parameters that it takes its values from (docs/settings.md)',
  }));
}

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** What the functions' code says against the user data; undefined when it takes it. */
async function settingsFault(
  code: string,
  { userData, secrets }: WantedFunction,
): Promise<string | undefined> {
  const lines: string[] = [];
  const write = (line: unknown) => lines.push(String(line));
  const bundle: { exports: { handler?: Handler } } = { exports: {} };
  // Variables of this shell are none of the functions' business.
  const bareProcess = Object.create(process, { env: { value: {} } });
  compileFunction(code, ['module', 'exports', 'require', 'console', 'process'])(
    bundle,
    bundle.exports,
    require,
    { log: write, error: write },
    bareProcess,
  );
  const values: Readonly<Record<string, string>> = { ...userData, ...secrets };
  await bundle.exports.handler?.(dryRunEvent(values), {
    getRequestID: () => 'doctor',
    getRemainingTimeInMilliSeconds: () => TIME_MS,
    getProjectID: () => '',
    getFunctionName: () => 'create',
    getUserData: (key: string) => values[key],
    getSecurityAccessKey: () => '',
    getSecuritySecretKey: () => '',
    getSecurityToken: () => '',
  });
  return lines.map(wrongSettings).find((message) => message !== undefined);
}

function dryRunEvent({ UPLOAD_BUCKETS = '', UPLOAD_PREFIX = '' }: Readonly<Record<string, string>>): unknown {
  const [bucket = ''] = UPLOAD_BUCKETS.split(',');
  const body = JSON.stringify({ input: { bucket: bucket.trim(), object: `${UPLOAD_PREFIX}a.mp4` } });
  return {
    httpMethod: 'POST',
    path: '/snapshots',
    pathParameters: {},
    queryStringParameters: { dry_run: 'true' },
    headers: {},
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  };
}

function wrongSettings(line: string): string | undefined {
  try {
    const { failure, message } = Object(JSON.parse(line)) as { failure?: unknown; message?: unknown };
    return failure === 'wrong_settings' ? String(message).replace(/^wrong settings: /, '') : undefined;
  } catch {
    return undefined;
  }
}
