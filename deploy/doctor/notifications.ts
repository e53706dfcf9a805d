import * as z from 'zod';
import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Finding, type Probe, probe } from './finding';

/** MPC's event when a snapshot task has ended. */
const EVENT = 'ThumbnailComplete';
/** Types of messages that functions get: 2 is JSON, 3 is JSON and text. */
const JSON_TYPES = [2, 3];
/** The effect of a missing notification, for people. */
export const TIMER_ALONE = 'the timer finds ended tasks within a minute';

const Settings = z.object({
  notifications: z
    .array(
      z.object({
        event_name: z.string().nullish(),
        status: z.string().nullish(),
        topic: z
          .string()
          .nullish()
          .transform((urn) => urn ?? ''),
        msg_type: z.number().nullish(),
      }),
    )
    .nullish()
    .transform((settings) => settings ?? []),
});
/** MPC's notification setting. */
export type NotificationSetting = z.infer<typeof Settings>['notifications'][number];
const Attributes = z.object({ attributes: z.object({ access_policy: z.string().nullish() }) });

/**
 * Checks that MPC notifies the topic that starts on-finish. MPC has one such setting for the whole project, so
 * another use of it is reported. Without the notification tasks are finished later, by the timer.
 */
export async function checkNotifications(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const { region, stage } = desired;
  const topics = desired.functions
    .flatMap(({ triggers }) => triggers)
    .filter(({ type }) => type === 'SMN')
    .map(({ eventData }) => String(eventData.topic_urn));
  const point = 'notification of MPC';
  const setting = await probe(() => notificationOf(cloud));
  if (topics.length === 0) return [withoutTopic(point, setting, stage)];
  const [topic = ''] = topics;
  const ofTopic = await topicFinding(topic, desired, cloud);
  if (ofTopic.state === 'missing') return [ofTopic];
  if (!setting.ok) {
    const todo = `look with a key that may use MPC: hcloud MPC ListNotifySmnTopicConfig --cli-region=${region}`;
    return [ofTopic, { point, state: 'unseen', text: `no information from MPC: ${setting.reason}`, todo }];
  }
  return [ofTopic, settingFinding(point, topic, desired, setting.found)];
}

/** MPC's notification setting for ended tasks; undefined when there is none. @throws CallFailed, ZodError */
export async function notificationOf(cloud: CloudApi): Promise<NotificationSetting | undefined> {
  const { body } = await cloud.call('mpc', { method: 'GET', path: settingPath(cloud) });
  const { notifications } = Settings.parse(body);
  return notifications.find(({ event_name, status }) => event_name === EVENT && status === 'on');
}

/** Changes MPC's notification setting, for the whole project. @throws CallFailed */
export async function setNotification(
  setting: { status: 'on' | 'off'; topic: string; msg_type: number },
  cloud: CloudApi,
): Promise<void> {
  const body = { notifications: [{ event_name: EVENT, ...setting }] };
  await cloud.call('mpc', { method: 'PUT', path: settingPath(cloud), body });
}

function settingPath(cloud: CloudApi): string {
  return `/v1/${cloud.connection.projectId}/notification`;
}

/** True if functions get the messages of this type. */
export function isJson({ msg_type: type }: NotificationSetting): boolean {
  return JSON_TYPES.includes(type ?? 0);
}

/** The command that sets it by hand. */
export function notificationCommand(region: string, topic: string, status: 'on' | 'off' = 'on'): string {
  return `hcloud MPC NotifySmnTopicConfig --cli-region=${region} --notifications.1.event_name=${EVENT} --notifications.1.status=${status} --notifications.1.topic=${topic} --notifications.1.msg_type=2`;
}

function withoutTopic(
  point: string,
  setting: Probe<NotificationSetting | undefined>,
  stage: string,
): Finding {
  const topic = setting.ok ? setting.found?.topic : undefined;
  const todo = topic
    ? `MPC already notifies ${topic}: set SMN_TOPIC_URN to use it as well`
    : `to get files and notices within a second: npm run setup -- --stage ${stage} creates a topic, or name one with SMN_TOPIC_URN`;
  return { point, state: 'note', text: `on-finish has no topic; ${TIMER_ALONE}`, todo };
}

async function topicFinding(topic: string, { stage }: DesiredState, cloud: CloudApi): Promise<Finding> {
  const point = `topic ${topic}`;
  const path = `/v2/${cloud.connection.projectId}/notifications/topics/${topic}/attributes`;
  const found = await probe(async () =>
    Attributes.parse((await cloud.call('smn', { method: 'GET', path })).body),
  );
  if (found.ok) {
    // Whether MPC may publish, MPC itself checks when the notification is set.
    return { point, state: 'ok', text: 'exists' };
  }
  if (found.status === 404) {
    const todo = `npm run setup -- --stage ${stage} creates one if SMN_TOPIC_URN is empty; or set it to an existing one`;
    return { point, state: 'missing', text: 'does not exist', todo };
  }
  const todo =
    'look in the console (SMN, Topics), or let the key have the system policy "SMN ReadOnlyAccess"';
  return { point, state: 'unseen', text: found.reason, todo };
}

function settingFinding(
  point: string,
  topic: string,
  { region, stage }: DesiredState,
  setting: NotificationSetting | undefined,
): Finding {
  const command = notificationCommand(region, topic);
  if (setting === undefined) {
    return {
      point,
      state: 'note',
      text: `MPC sends no notification of ${EVENT}; ${TIMER_ALONE}`,
      todo: `npm run setup -- --stage ${stage}, or let the topic’s policy allow MPC to publish (console: SMN, Topics), then ${command}`,
    };
  }
  if (setting.topic !== topic) {
    return {
      point,
      state: 'note',
      text: `MPC notifies ${setting.topic}, which somebody has set for the whole project; ${TIMER_ALONE}`,
      todo: `set SMN_TOPIC_URN=${setting.topic} to use that topic as well, or agree with its owner, and then npm run setup -- --stage ${stage} --take-over-notification`,
    };
  }
  if (!isJson(setting)) {
    const text = `MPC sends ${topic} no JSON (msg_type ${setting.msg_type}), so functions get nothing; ${TIMER_ALONE}`;
    return { point, state: 'note', text, todo: command };
  }
  return { point, state: 'ok', text: `MPC notifies ${topic} when a task has ended` };
}
