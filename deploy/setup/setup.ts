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

/** What the command works with. */
export interface Setup extends Stage {
  region: string;
  /** Has `serverless.yml`, and `.env.<stage>` is written there. */
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
  options: Pick<CommandOptions, 'dry-run' | 'yes' | 'undo' | 'take-over-notification' | 'param'>;
  print: (line: string) => void;
  /** Asks a person; the terminal when absent. */
  confirm?: (question: string) => Promise<boolean>;
  /** Looks at the stage in the end; the doctor when absent. */
  diagnose?: typeof diagnose;
  /** For tests, which do not want to wait. */
  cloudOptions?: CloudApiOptions;
}

const NO_LOGS = { LTS_GROUP_ID: '', LTS_GROUP_NAME: '', LTS_STREAM_ID: '', LTS_STREAM_NAME: '' };

/** What setup writes to `.env.<stage>`. */
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

/** What leads to a bucket that was kept. */
const OF_BUCKETS = [
  'HUAWEICLOUD_SDK_REGION',
  'HUAWEICLOUD_SDK_PROJECT_ID',
  'UPLOAD_BUCKET',
  'SNAPSHOT_BUCKET',
];

/**
 * Makes what a stage needs and is missing, from an account that has nothing but a key, or takes back what it made.
 * @returns false when something is left to do for somebody else
 * @throws DeployError for what is wrong before anything was looked at
 */
export async function setup(command: Setup): Promise<boolean> {
  const { service, stage, options } = command;
  if (stage === LOCAL_STAGE) {
    throw new DeployError([
      `stage ${LOCAL_STAGE} needs no setup: \`npm start\` makes all of it. Choose another stage with --stage`,
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
  // What the agency's rights follow from; ids are not known yet, and may be named in part.
  const unknown = { APIG_GROUP_ID: NOT_KNOWN, ...NO_LOGS };
  const wanted = await wantedOf(command, { ...suggested, ...unknown });
  const own = { ...context, ...ownChoice(wanted, context) };
  const { names } = own;
  const chosen = {
    UPLOAD_BUCKET: names.uploadBucket,
    SNAPSHOT_BUCKET: names.snapshotBucket,
    AGENCY: names.agency,
  };
  const outcome = await carryOut({
    parts: [
      ...bucketParts(own),
      agencyPart({ ...own, wanted }),
      gatewayPart(own),
      callerPart({ ...own, print }),
      logPart(own),
      notificationPart({ ...own, takeOver: takeOverOf(command) }),
    ],
    region,
    sign: '+',
    dryRun: options['dry-run'] === true,
    confirm: confirmation(command, `Make these in ${region}?`),
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
    print('nothing was made');
    return false;
  }
  file.set({ ...fixed, ...outcome.values });
  if (outcome.is === 'incomplete') {
    print(`not complete; what is there stands in ${file.path}. When the rest is done, run the command again`);
    return false;
  }
  print(`written to ${file.path}`);
  const final = await wantedOf(command, outcome.values);
  const findings = await (command.diagnose ?? diagnose)(final, new FunctionGraphApi(cloud));
  for (const line of findingsText(findings)) print(line);
  const isWell = findings.every(({ state }) => state !== 'missing');
  if (isWell) print(`next: npm run deploy -- --stage ${stage}`);
  return isWell;
}

const NOT_KNOWN = 'not-known-yet';

/** What `serverless.yml` and its parameters name themselves goes before what setup would call it. */
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
      `${deployed.length} functions of stage ${stage} are deployed and need what would be taken away: npm run remove -- --stage ${stage}`,
    ]);
  }
  const outcome = await carryOut({
    // Policies go after the agency, and the record after all.
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
    confirm: confirmation(command, 'Take these back?'),
    ask: asker(command),
    pause: cloud.pause,
    print,
  });
  if (outcome.is === 'shown') print('nothing was changed');
  if (outcome.is === 'declined') print('nothing was taken back');
  if (outcome.is === 'incomplete') print('not complete: when the rest is done, run the command again');
  if (outcome.is === 'done' || outcome.is === 'nothing to do') {
    // A bucket that was kept may be set up again, or taken back later: its name stays.
    file.remove(
      file.made().length === 0 ? VARIABLES : VARIABLES.filter((name) => !OF_BUCKETS.includes(name)),
    );
    print(outcome.is === 'done' ? 'taken back' : 'nothing to take back');
  }
  return outcome.is !== 'declined' && outcome.is !== 'incomplete';
}

function confirmation({ options, ...command }: Setup, question: string): () => Promise<boolean> {
  return async () => options.yes === true || asker({ options, ...command })(question);
}

function asker({ confirm = askAtTerminal }: Setup): (question: string) => Promise<boolean> {
  return confirm;
}

/** `--yes` stands for what setup makes, not for what it takes away from others. */
function takeOverOf({ options, confirm }: Setup): TakeOver {
  if (options['take-over-notification'] === true) return 'yes';
  return options.yes !== true && (confirm !== undefined || isTerminal()) ? 'ask' : 'no';
}

/** What `serverless.yml` says when these variables are set besides those of the environment. */
async function wantedOf(
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
 * The account of the key. Its project in the region is looked up when nobody names one.
 * @throws DeployError in the doctor's words when the key is no good
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
    const told = wrong.length > 0 ? wrong : findings.filter(({ state }) => state !== 'ok');
    throw new DeployError(
      told.map(({ point, text, todo }) => `${point}: ${text}${todo === undefined ? '' : `; ${todo}`}`),
    );
  }
  return { cloud, domainId };
}
