import * as z from 'zod';
import { CallFailed, type CloudApi, readAnswer } from '../cloud-api';
import {
  isJson,
  type NotificationSetting,
  notificationCommand,
  notificationOf,
  setNotification,
  TIMER_ALONE,
} from '../doctor/notifications';
import { unlessGone } from './buckets';
import type { EnvFile } from './env-file';
import type { Names, Stage } from './names';
import { type Inspection, inspect, type Part, type Step } from './part';

const SMN_RIGHT = 'SMN FullAccess';
const MPC_RIGHT = 'MPC Administrator';
const JSON_TYPE = 2;

/** Whether a setting of others may be replaced. */
export type TakeOver = 'yes' | 'no' | 'ask';

export interface NotificationContext {
  cloud: CloudApi;
  names: Names;
  stage: Stage;
  file: EnvFile;
  environment: Readonly<Record<string, string | undefined>>;
}

const Topics = z.object({
  topics: z
    .array(z.object({ topic_urn: z.string(), name: z.string(), display_name: z.string().nullish() }))
    .nullish()
    .transform((topics) => topics ?? []),
});
const MadeTopic = z.object({ topic_urn: z.string() });
const Attributes = z.object({ attributes: z.object({ access_policy: z.string().nullish() }) });
const Policy = z.object({ Statement: z.array(z.record(z.string(), z.unknown())) });

interface Topic {
  urn: string;
  /** True if setup created it. */
  isOwn: boolean;
}

/**
 * The topic that starts on-finish, MPC's right to publish to it, and MPC's notification setting. MPC has one setting for
 * the whole project: a setting of others stays, unless the user agrees to replace it.
 */
export function notificationPart(context: NotificationContext & { takeOver: TakeOver }): Part {
  let { takeOver } = context;
  const refuse = () => {
    takeOver = 'no';
  };
  return {
    name: `topic ${context.names.topic}`,
    service: 'SMN',
    right: SMN_RIGHT,
    inspect: () => withSetting(context, (setting) => inspectTopic(setting, context, takeOver, refuse)),
  };
}

/** If MPC does not show its setting, its refusal becomes the obstacle. */
async function withSetting(
  { cloud, names }: NotificationContext,
  inspectWith: (setting: NotificationSetting | undefined) => Promise<Inspection>,
): Promise<Inspection> {
  let setting: NotificationSetting | undefined;
  const inspectMpc = async () => {
    setting = await notificationOf(cloud);
    return {};
  };
  const part = { name: names.topic, service: 'MPC', right: MPC_RIGHT, inspect: inspectMpc };
  const inspection = await inspect(part, cloud.connection.region);
  return inspection.obstacle === undefined ? inspectWith(setting) : inspection;
}

async function inspectTopic(
  setting: NotificationSetting | undefined,
  context: NotificationContext,
  takeOver: TakeOver,
  refuse: () => void,
): Promise<Inspection> {
  const { cloud, names, file, stage } = context;
  const { region } = cloud.connection;
  const topic = await topicOf(context);
  if (typeof topic === 'object' && 'obstacle' in topic) return topic;
  const values = topic === undefined ? {} : { SMN_TOPIC_URN: topic.urn };
  const isTold = setting !== undefined && setting.topic === topic?.urn;
  if (topic?.isOwn === false && isTold && isJson(setting))
    return { there: [`MPC notifies ${topic.urn}`], values };
  const isOfOthers = setting !== undefined && !(isTold && topic?.isOwn);
  if (isOfOthers && takeOver === 'no') {
    const use = isTold ? '' : `set SMN_TOPIC_URN=${setting.topic} to use that topic as well, or `;
    return {
      left: {
        text: `${whatIsSet(setting)}: it stays, and ${TIMER_ALONE}`,
        todo: `${use}take the setting over: npm run setup -- --stage ${stage.stage} --take-over-notification`,
      },
      values,
    };
  }
  let urn = topic?.urn ?? '';
  const steps: Step[] = [];
  const isOpen = topic === undefined || (topic.isOwn && !(await policyOf(topic.urn, cloud)).letsMpcIn);
  if (topic === undefined) {
    steps.push({
      what: `topic ${names.topic}, which starts on-finish`,
      right: SMN_RIGHT,
      command: `hcloud SMN CreateTopic --cli-region=${region} --name=${names.topic} --display_name="${names.topicDisplayName}"`,
      isNeeded: true,
      make: async () => {
        const body = { name: names.topic, display_name: names.topicDisplayName };
        const answer = await cloud.call('smn', { method: 'POST', path: topicsPath(cloud), body });
        urn = readAnswer(MadeTopic, answer.body, 'the new topic', 'SMN').topic_urn;
      },
    });
  }
  if (isOpen) {
    steps.push({
      what: `MPC’s right to publish to ${names.topic}`,
      right: SMN_RIGHT,
      command: `in the console: SMN, Topics, ${names.topic}, Configure Topic Policy, services that can publish: MPC`,
      isNeeded: true,
      make: () => letMpcIn(urn, cloud),
    });
  }
  if (!isTold || !isJson(setting)) {
    const name = topic === undefined || topic.isOwn ? names.topic : topic.urn;
    steps.push({
      what: `MPC’s notification of ended tasks to ${name}${isOfOthers ? `. ${whatIsSet(setting)}` : ''}`,
      right: MPC_RIGHT,
      service: 'MPC',
      command: `${topic?.isOwn === false ? OPEN_TOPIC : ''}${notificationCommand(region, urn || urnOf(names.topic, cloud))}`,
      make: () => {
        forgetAll(file);
        if (isOfOthers) file.remember(`${BEFORE}${setting.msg_type ?? JSON_TYPE}:${setting.topic}`);
        file.remember(`${SET}${urn}`);
        return setNotification({ status: 'on', topic: urn, msg_type: JSON_TYPE }, cloud);
      },
    });
  }
  const question = `${isOfOthers ? whatIsSet(setting) : ''}. Notify ${names.topic} instead?`;
  return {
    there: topic === undefined ? [] : [`topic ${topic.isOwn ? names.topic : topic.urn}`],
    steps,
    values,
    ...(isOfOthers && takeOver === 'ask' && { consent: { question, refuse } }),
  };
}

const OPEN_TOPIC = 'let the topic’s policy allow MPC to publish (console: SMN, Topics), then ';

/** The URN of a topic with this name. */
function urnOf(name: string, { connection: { region, projectId } }: CloudApi): string {
  return `urn:smn:${region}:${projectId}:${name}`;
}

/** Records in `.env.<stage>`: the topic that setup set for MPC, and the topic before. */
const SET = 'notification:';
const BEFORE = 'notification-was:';

function forgetAll(file: EnvFile): void {
  for (const one of file.made()) if (one.startsWith(SET) || one.startsWith(BEFORE)) file.forget(one);
}

function whatIsSet(setting: NotificationSetting): string {
  const how = isJson(setting) ? '' : ` in a form that functions do not get (msg_type ${setting.msg_type})`;
  return `MPC notifies ${setting.topic}${how}, which somebody has set for the whole project`;
}

/** The topic from the environment, or the one with setup's name; undefined: it must be created. */
async function topicOf(
  context: NotificationContext,
): Promise<Topic | undefined | { obstacle: NonNullable<Inspection['obstacle']> }> {
  const { cloud, names, environment } = context;
  const given = environment.SMN_TOPIC_URN?.trim() || undefined;
  const named = await namedTopic(context);
  if (given !== undefined && given !== named?.urn && !given.endsWith(`:${names.topic}`)) {
    try {
      await attributesOf(given, cloud);
    } catch (error) {
      if (!(error instanceof CallFailed) || error.status !== 404) throw error;
      const todo = 'set SMN_TOPIC_URN to an existing topic, or leave it empty to let setup create one';
      return { obstacle: { text: `SMN_TOPIC_URN ${given} does not exist`, todo } };
    }
    return { urn: given, isOwn: false };
  }
  if (named === undefined || named.isOwn || given !== undefined) return named;
  return {
    obstacle: {
      text: 'exists, but was not created by setup',
      todo: `set SMN_TOPIC_URN=${named.urn} to use it anyway, or delete it in the console (SMN, Topics)`,
    },
  };
}

async function namedTopic({ cloud, names }: NotificationContext): Promise<Topic | undefined> {
  const query = [['name', names.topic]] as const;
  const { body } = await cloud.call('smn', { method: 'GET', path: topicsPath(cloud), query });
  const topic = Topics.parse(body).topics.find(({ name }) => name === names.topic);
  if (topic === undefined) return undefined;
  return { urn: topic.topic_urn, isOwn: topic.display_name === names.topicDisplayName };
}

function topicsPath(cloud: CloudApi): string {
  return `/v2/${cloud.connection.projectId}/notifications/topics`;
}

async function attributesOf(urn: string, cloud: CloudApi): Promise<string> {
  const path = `${topicsPath(cloud)}/${urn}/attributes`;
  return (
    Attributes.parse((await cloud.call('smn', { method: 'GET', path })).body).attributes.access_policy ?? ''
  );
}

/** The topic's policy. An unreadable one counts as empty. */
async function policyOf(urn: string, cloud: CloudApi) {
  const statements = Policy.safeParse(parsed(await attributesOf(urn, cloud))).data?.Statement ?? [];
  const letsMpcIn = statements.some(({ Effect, Principal }) => {
    const services = [Object(Principal).Service ?? []].flat();
    return Effect === 'Allow' && services.some((name) => String(name).toLowerCase() === 'mpc');
  });
  return { statements, letsMpcIn };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Lets MPC publish to the topic (SMN user guide, topic policies). The name `mpc` in the policy is a guess. */
async function letMpcIn(urn: string, cloud: CloudApi): Promise<void> {
  const { statements } = await policyOf(urn, cloud);
  const statement = {
    Sid: '__service_pub_mpc',
    Effect: 'Allow',
    Principal: { Service: ['mpc'] },
    Action: ['SMN:Publish', 'SMN:QueryTopicDetail'],
    Resource: urn,
  };
  const value = JSON.stringify({
    Version: '2016-09-07',
    Id: '__default_policy_ID',
    Statement: [...statements, statement],
  });
  const path = `${topicsPath(cloud)}/${urn}/attributes/access_policy`;
  await cloud.call('smn', { method: 'PUT', path, body: { value } });
}

/** Restores MPC's setting if it is still the one of setup, then deletes the topic. */
export function notificationRemains(context: NotificationContext): Part {
  return {
    name: `topic ${context.names.topic}`,
    service: 'SMN',
    right: SMN_RIGHT,
    inspect: () => withSetting(context, (setting) => inspectRemains(setting, context)),
  };
}

async function inspectRemains(
  setting: NotificationSetting | undefined,
  context: NotificationContext,
): Promise<Inspection> {
  const { cloud, names, file } = context;
  const { region } = cloud.connection;
  const named = await namedTopic(context);
  const own = named?.isOwn ? named : undefined;
  const isOwnSetting =
    setting !== undefined && (setting.topic === own?.urn || file.made().includes(`${SET}${setting.topic}`));
  const steps: Step[] = [];
  if (isOwnSetting) {
    const [, type, before] = new RegExp(`^${BEFORE}(\\d):(.+)$`, 'm').exec(file.made().join('\n')) ?? [];
    const off = () => setNotification({ status: 'off', topic: setting.topic, msg_type: JSON_TYPE }, cloud);
    steps.push({
      what: `MPC’s notification to ${setting.topic}${before === undefined ? '' : `; ${before} gets it again`}`,
      right: MPC_RIGHT,
      service: 'MPC',
      command: notificationCommand(region, before ?? setting.topic, before === undefined ? 'off' : 'on'),
      // A topic that MPC still notifies must not be deleted.
      isNeeded: true,
      make: async () => {
        if (before === undefined) return off();
        const given = { status: 'on', topic: before, msg_type: Number(type) } as const;
        return setNotification(given, cloud).catch((error: unknown) => {
          // The earlier topic no longer exists, or MPC may no longer publish to it.
          if (!(error instanceof CallFailed) || error.status !== 400) throw error;
          return off();
        });
      },
    });
  } else {
    forgetAll(file);
  }
  if (own !== undefined) {
    steps.push({
      what: `topic ${names.topic}`,
      right: SMN_RIGHT,
      command: `hcloud SMN DeleteTopic --cli-region=${region} --topic_urn=${own.urn}`,
      make: () =>
        cloud.call('smn', { method: 'DELETE', path: `${topicsPath(cloud)}/${own.urn}` }).catch(unlessGone),
    });
  }
  return { steps };
}
