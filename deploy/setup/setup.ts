import { existsSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { CloudApi, type CloudApiOptions, type Connection, connectionFrom } from '../cloud-api';
import { withAdvice } from '../deploy';
import { type DesiredState, desiredState, ownerMark } from '../desired-state';
import { LOCAL_STAGE } from '../desired-triggers';
import { checkAccount } from '../doctor/account';
import { diagnose, findingsText } from '../doctor/doctor';
import { DeployError } from '../errors';
import type { CommandOptions } from '../framework';
import { FunctionGraphApi } from '../functiongraph-api';
import { readService } from '../service-file';
import { agencyPart, agencyRemains } from './agency';
import { bucketParts, bucketRemains } from './buckets';
import { callerPart, callerRemains } from './callers';
import { confirm as askAtTerminal, isTerminal } from './confirm';
import { EnvFile } from './env-file';
import { gatewayPart, gatewayRemains } from './gateway';
import { logPart, logRemains } from './logs';
import { type Names, namesOf, type Stage } from './names';
import { notificationPart, notificationRemains, type TakeOver } from './notification';
import { carryOut } from './work';

/** The context of the command. */
export interface Setup extends Stage {
  region: string;
  /** Folder with `serverless.yml`. `.env.<stage>` is written there. */
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
  options: Pick<CommandOptions, 'dry-run' | 'yes' | 'undo' | 'take-over-notification' | 'param'>;
  print: (line: string) => void;
  /** Asks a person; default: at the terminal. */
  confirm?: (question: string) => Promise<boolean>;
  /** Checks the stage at the end; default: the doctor. */
  diagnose?: typeof diagnose;
  /** For tests, which must not wait. */
  cloudOptions?: CloudApiOptions;
}

const NO_LOGS = { LTS_GROUP_ID: '', LTS_GROUP_NAME: '', LTS_STREAM_ID: '', LTS_STREAM_NAME: '' };

/** The variables that setup writes to `.env.<stage>`. */
const VARIABLES = [
  'HUAWEICLOUD_SDK_REGION',
  'HUAWEICLOUD_SDK_PROJECT_ID',
  'UPLOAD_BUCKET',
  'SNAPSHOT_BUCKET',
  'AGENCY',
  'APIG_GROUP_ID',
  'APIG_INSTANCE_ID',
  'LTS_GROUP_ID',
  'LTS_GROUP_NAME',
  'LTS_STREAM_ID',
  'LTS_STREAM_NAME',
  'SMN_TOPIC_URN',
];

/** The variables that are needed to find a kept bucket again. */
const OF_BUCKETS = [
  'HUAWEICLOUD_SDK_REGION',
  'HUAWEICLOUD_SDK_PROJECT_ID',
  'UPLOAD_BUCKET',
  'SNAPSHOT_BUCKET',
];

/**
 * Creates everything that a stage needs and that is missing, even in a new account, or removes what it created.
 * @returns false when something is left that the user must do
 * @throws DeployError for mistakes that are found before anything is looked at
 */
export async function setup(command: Setup): Promise<boolean> {
  const { service, stage, options } = command;
  if (stage === LOCAL_STAGE) {
    throw new DeployError([
      `stage ${LOCAL_STAGE} needs no setup: \`npm start\` creates everything. Choose another stage with --stage`,
    ]);
  }
  const file = new EnvFile(`${command.directory}/.env.${stage}`);
  const account = await openAccount(command);
  const names = namesOf({ service, stage }, account.cloud.connection.projectId, command.environment);
  const context = { ...account, names, file, stage: { service, stage }, environment: command.environment };
  return options.undo === true ? undo(command, context) : makeAll(command, context);
}

interface Context {
  cloud: CloudApi;
  domainId: string;
  names: Names;
  file: EnvFile;
  stage: Stage;
  environment: Setup['environment'];
}

async function makeAll(command: Setup, context: Context): Promise<boolean> {
  const { print, options, stage } = command;
  const { cloud, file } = context;
  const { region, projectId } = cloud.connection;
  const fixed = { HUAWEICLOUD_SDK_REGION: region, HUAWEICLOUD_SDK_PROJECT_ID: projectId };
  const suggested = {
    UPLOAD_BUCKET: context.names.uploadBucket,
    SNAPSHOT_BUCKET: context.names.snapshotBucket,
    AGENCY: context.names.agency,
  };
  // The agency's rights depend on this. Ids are not known yet, and only some may be given.
  const unknown = { APIG_GROUP_ID: NOT_KNOWN, ...NO_LOGS };
  const desired = await desiredOf(command, { ...suggested, ...unknown });
  const own = { ...context, ...ownChoice(desired, context) };
  const { names } = own;
  const chosen = {
    UPLOAD_BUCKET: names.uploadBucket,
    SNAPSHOT_BUCKET: names.snapshotBucket,
    AGENCY: names.agency,
  };
  const outcome = await carryOut({
    parts: [
      ...bucketParts(own),
      agencyPart({ ...own, desired }),
      gatewayPart(own),
      callerPart({ ...own, print }),
      logPart(own),
      notificationPart({ ...own, takeOver: takeOverOf(command) }),
    ],
    region,
    sign: '+',
    dryRun: options['dry-run'] === true,
    confirm: confirmation(command, `Create these in ${region}?`),
    ask: asker(command),
    pause: cloud.pause,
    print,
    onStart: () => file.set({ ...fixed, ...chosen }),
  });
  if (outcome.is === 'shown') {
    print('nothing was changed');
    return true;
  }
  if (outcome.is === 'declined') {
    print('nothing was created');
    return false;
  }
  file.set({ ...fixed, ...outcome.values });
  if (outcome.is === 'incomplete') {
    print(`not complete; ${file.path} has what exists. When the rest is done, run the command again`);
    return false;
  }
  print(`written to ${file.path}`);
  const final = await desiredOf(command, outcome.values);
  const findings = await (command.diagnose ?? diagnose)(final, new FunctionGraphApi(cloud));
  for (const line of findingsText(findings)) print(line);
  const isWell = findings.every(({ state }) => state !== 'missing');
  if (isWell) print(`next: npm run deploy -- --stage ${stage}`);
  return isWell;
}

const NOT_KNOWN = 'not-known-yet';

/** Names in `serverless.yml` and its parameters win over the environment and over the names that setup chooses. */
function ownChoice(
  { buckets, functions, access }: DesiredState,
  { names, environment }: Context,
): Pick<Context, 'names' | 'environment'> {
  const settingOf = (key: string) => functions.flatMap(({ userData }) => userData[key] ?? [])[0];
  const uploadBuckets = (settingOf('UPLOAD_BUCKETS') ?? '').split(',').map((name) => name.trim());
  const { agency = names.agency, logs } = functions[0] ?? {};
  const known = {
    ...(access !== undefined && access.groupId !== NOT_KNOWN && { APIG_GROUP_ID: access.groupId }),
    ...(access?.instanceId !== undefined && { APIG_INSTANCE_ID: access.instanceId }),
    ...(logs !== undefined && { LTS_GROUP_ID: logs.group_id, LTS_STREAM_ID: logs.stream_id }),
  };
  return {
    names: {
      ...names,
      uploadBucket: uploadBuckets.find((name) => name !== '') ?? names.uploadBucket,
      snapshotBucket: settingOf('SNAPSHOT_BUCKET') ?? names.snapshotBucket,
      buckets: [...new Set([...uploadBuckets, ...buckets])].filter((name) => name !== ''),
      agency,
    },
    environment: { ...environment, ...known },
  };
}

async function undo(command: Setup, context: Context): Promise<boolean> {
  const { print, options, service, stage } = command;
  const { cloud, file } = context;
  const mark = ownerMark({ service, stage });
  const functions = await withAdvice(() => new FunctionGraphApi(cloud).listFunctions());
  const deployed = functions.filter(({ description }) => (description ?? '').endsWith(mark));
  if (deployed.length > 0) {
    throw new DeployError([
      `${deployed.length} functions of stage ${stage} are deployed and still need these things; remove them first: npm run remove -- --stage ${stage}`,
    ]);
  }
  const outcome = await carryOut({
    // A policy can be deleted only after its agency. The record is deleted last.
    parts: [
      notificationRemains(context),
      logRemains(context),
      callerRemains({ ...context, print }),
      gatewayRemains(context),
      agencyRemains(context),
      ...bucketRemains(context),
    ],
    region: cloud.connection.region,
    sign: '-',
    dryRun: options['dry-run'] === true,
    confirm: confirmation(command, 'Delete these?'),
    ask: asker(command),
    pause: cloud.pause,
    print,
  });
  if (outcome.is === 'shown') print('nothing was changed');
  if (outcome.is === 'declined') print('nothing was deleted');
  if (outcome.is === 'incomplete') print('not complete: when the rest is done, run the command again');
  if (outcome.is === 'done' || outcome.is === 'nothing to do') {
    // A kept bucket may be set up again, or removed later: its name stays.
    file.remove(
      file.made().length === 0 ? VARIABLES : VARIABLES.filter((name) => !OF_BUCKETS.includes(name)),
    );
    print(outcome.is === 'done' ? 'deleted' : 'nothing to delete');
  }
  return outcome.is !== 'declined' && outcome.is !== 'incomplete';
}

function confirmation({ options, ...command }: Setup, question: string): () => Promise<boolean> {
  return async () => options.yes === true || asker({ options, ...command })(question);
}

function asker({ confirm = askAtTerminal }: Setup): (question: string) => Promise<boolean> {
  return confirm;
}

/** `--yes` agrees to everything that setup creates, but not to taking over a setting of others. */
function takeOverOf({ options, confirm }: Setup): TakeOver {
  if (options['take-over-notification'] === true) return 'yes';
  return options.yes !== true && (confirm !== undefined || isTerminal()) ? 'ask' : 'no';
}

/** The desired state from `serverless.yml`, with these variables in addition to the environment. */
async function desiredOf(
  { stage, region, environment, directory, options }: Setup,
  values: Readonly<Record<string, string>>,
): Promise<DesiredState> {
  const known = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  const variables = { ...known, HUAWEICLOUD_SDK_REGION: region, ...values };
  const folder = existsSync(path.join(directory, 'serverless.yml')) ? directory : undefined;
  const resolved = await readService(stage, variables, folder, parametersOf(options));
  return desiredState(resolved);
}

function parametersOf({ param = [] }: Setup['options']): Record<string, string> {
  return Object.fromEntries(
    [param].flat().map((text) => {
      const [name = '', ...value] = text.split('=');
      return [name, value.join('=')];
    }),
  );
}

const Projects = z.object({
  projects: z.array(z.object({ id: z.string(), name: z.string(), domain_id: z.string() })),
});

/**
 * The account of the key. Its project in the region is looked up if none is given.
 * @throws DeployError with the doctor's findings when the key is not valid
 */
async function openAccount({
  environment,
  region,
  cloudOptions,
}: Setup): Promise<{ cloud: CloudApi; domainId: string }> {
  const open = (projectId: string): Connection =>
    connectionFrom({ ...environment, HUAWEICLOUD_SDK_PROJECT_ID: projectId }, region);
  const given = environment.HUAWEICLOUD_SDK_PROJECT_ID?.trim() ?? '';
  let cloud = new CloudApi(open(given || 'unknown'), cloudOptions);
  if (given === '') {
    const { body } = await withAdvice(() =>
      cloud.call('iam', { method: 'GET', path: '/v3/projects', query: [['name', region]] }),
    );
    const [project] = Projects.safeParse(body).data?.projects ?? [];
    if (project === undefined) {
      throw new DeployError([
        `the account has no project in ${region}: open the console once with that region chosen, or choose another region with HUAWEICLOUD_SDK_REGION`,
      ]);
    }
    cloud = new CloudApi(open(project.id), cloudOptions);
  }
  const { domainId, findings } = await checkAccount(cloud);
  const wrong = findings.filter(({ state }) => state === 'missing');
  if (wrong.length > 0 || domainId === undefined) {
    const shown = wrong.length > 0 ? wrong : findings.filter(({ state }) => state !== 'ok');
    throw new DeployError(
      shown.map(({ point, text, todo }) => `${point}: ${text}${todo === undefined ? '' : `; ${todo}`}`),
    );
  }
  return { cloud, domainId };
}
