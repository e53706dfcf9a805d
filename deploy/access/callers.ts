import { CallFailed } from '../cloud-api';
import { withAdvice } from '../deploy';
import { type DesiredState, ownerMark } from '../desired-state';
import { DeployError } from '../errors';
import type { Session } from '../session';
import { callerName, callersOf } from './access';
import { nameIn } from './desired-access';
import { type App, type AppWithSecret, GatewayApi } from './gateway-api';

const ACTIONS = ['add', 'remove', 'rotate'] as const;

/**
 * `npm run callers`: lists and changes the callers of a stage's API. A secret is shown only once, when it is created.
 * @throws DeployError
 */
export async function callers({ desired, api, options, print }: Session): Promise<void> {
  const given = ACTIONS.filter((action) => options[action] !== undefined);
  if (given.length > 1) throw new DeployError([`give one of --${given.join(', --')}, not several`]);
  const [action] = given;
  const { access } = desired;
  if (access?.instanceId === undefined) {
    throw new DeployError([
      'callers are managed in a dedicated gateway: set APIG_INSTANCE_ID. For the shared one use the console (API Gateway, Apps)',
    ]);
  }
  const gateway = new GatewayApi(api.cloud, access.instanceId);
  const known = await withAdvice(() => callersOf(gateway, desired));
  if (action === undefined) return show(known, desired, print);
  const name = readName(options[action], desired);
  const app = known.find((one) => callerName(one.name, desired) === name);
  if (action === 'add') {
    if (access.apis.every(({ auth }) => auth === 'IAM')) {
      throw new DeployError([
        `the API of stage ${desired.stage} has the authentication IAM, so a key of its own would open nothing: add the caller's account to provider.apigw.allowAccounts`,
      ]);
    }
    if (app !== undefined) {
      throw new DeployError([
        `caller ${name} already exists: npm run callers -- --stage ${desired.stage} rotate ${name} gives it a new secret`,
      ]);
    }
    await withAdvice(() => addCaller(gateway, desired, name, (made) => printKey(made, print)));
    return;
  }
  if (app === undefined) {
    const names = known.map((one) => callerName(one.name, desired)).join(', ') || 'none';
    throw new DeployError([`there is no caller ${name}; there are: ${names}`]);
  }
  if (action === 'remove') {
    await withAdvice(() => gateway.deleteApp(app.id));
    return print(`- ${name}`);
  }
  printKey(await withAdvice(() => gateway.resetSecret(app.id)), print);
}

/**
 * Creates an app for a caller. If the answer with its key is lost, the app gets a new secret, because nobody knows the first.
 * @throws CallFailed
 */
export async function makeCaller(
  gateway: GatewayApi,
  stage: Pick<DesiredState, 'service' | 'stage'>,
  name: string,
): Promise<AppWithSecret> {
  const appName = nameIn(stage, name);
  try {
    return await gateway.createApp(appName, `Caller ${name} ${ownerMark(stage)}`);
  } catch (error) {
    if (!(error instanceof CallFailed) || !error.isOutcomeUnknown) throw error;
    const made = (await callersOf(gateway, stage)).find((app) => app.name === appName);
    if (made === undefined) throw error;
    return gateway.resetSecret(made.id);
  }
}

/**
 * Creates an app for a caller and authorizes it for the deployed APIs. The next deployment does so for the others.
 * @param onMade called with the key before anything else can fail: the key cannot be read later
 * @throws CallFailed
 */
export async function addCaller(
  gateway: GatewayApi,
  desired: Pick<DesiredState, 'service' | 'stage' | 'access'>,
  name: string,
  onMade: (made: AppWithSecret) => void = () => {},
): Promise<AppWithSecret> {
  const made = await makeCaller(gateway, desired, name);
  onMade(made);
  const { access } = desired;
  if (access === undefined) return made;
  const deployed = await gateway.apis(access.groupId, access.envId);
  const apis = deployed.filter(({ req_method, req_uri }) =>
    access.apis.some(({ auth, method, path }) => auth === 'APP' && method === req_method && path === req_uri),
  );
  if (apis.length > 0) {
    await gateway.authorize(
      [made.id],
      apis.map(({ id }) => id),
      access.envId,
    );
  }
  return made;
}

function show(known: readonly App[], desired: DesiredState, print: (line: string) => void): void {
  if (known.length === 0)
    print(`nobody may call: npm run callers -- --stage ${desired.stage} add NAME creates a key`);
  for (const { name, app_key } of known) print(`${callerName(name, desired)}  key ${app_key ?? 'unknown'}`);
}

/** Prints a key. Its secret cannot be shown again. */
export function printKey({ app_key, app_secret }: AppWithSecret, print: (line: string) => void): void {
  print(`API_APP_KEY=${app_key}`);
  print(`API_APP_SECRET=${app_secret}`);
  print('Keep the secret now: it is not shown again.');
}

function readName(name: string | undefined, desired: DesiredState): string {
  const longest = 64 - nameIn(desired, '').length;
  if (name !== undefined && /^[a-z][a-z0-9_]*$/.test(name) && name.length <= longest) return name;
  throw new DeployError([
    `the name of a caller must be lower-case letters, digits and _, beginning with a letter, ${longest} at most, got "${name ?? ''}"`,
  ]);
}
