import * as z from 'zod';
import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type Finding, type Probe, probe } from './finding';

const EVENT = 'ThumbnailComplete';
/** Kinds of messages that functions get: 2, JSON, and 3, JSON and text. */
const JSON_TYPES = [2, 3];
const WITHOUT = 'the timer finds within a minute what has ended';

const Settings = z.object({
  notifications: z
    .array(
      z.object({
        event_name: z.string().nullish(),
        status: z.string().nullish(),
        topic: z.string().nullish(),
        msg_type: z.number().nullish(),
      }),
    )
    .nullish()
    .transform((settings) => settings ?? []),
});
type Setting = z.infer<typeof Settings>['notifications'][number];
const Attributes = z.object({ attributes: z.object({ access_policy: z.string().nullish() }) });

/**
 * Whether MPC tells the end of tasks to the topic that starts on-finish. MPC has one such setting for the whole
 * project: whoever else uses it is told of, and nothing here changes it. Without it all goes on, only later.
 */
export async function checkNotifications(wanted: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const { region } = wanted;
  const topics = wanted.functions
    .flatMap(({ triggers }) => triggers)
    .filter(({ type }) => type === 'SMN')
    .map(({ eventData }) => String(eventData.topic_urn));
  const point = 'notification of MPC';
  const setting = await probe(() => settingOf(cloud));
  if (topics.length === 0) return [withoutTopic(point, setting)];
  const [topic = ''] = topics;
  const ofTopic = await topicFinding(topic, region, cloud);
  if (ofTopic.state === 'missing') return [ofTopic];
  if (!setting.ok) {
    const todo = `look with a key that may use MPC: hcloud MPC ListNotifySmnTopicConfig --cli-region=${region}`;
    return [ofTopic, { point, state: 'unseen', text: `MPC does not tell: ${setting.reason}`, todo }];
  }
  return [ofTopic, settingFinding(point, topic, region, setting.found)];
}

async function settingOf(cloud: CloudApi): Promise<Setting | undefined> {
  const path = `/v1/${cloud.connection.projectId}/notification`;
  const { body } = await cloud.call('mpc', { method: 'GET', path });
  const { notifications } = Settings.parse(body);
  return notifications.find(({ event_name, status }) => event_name === EVENT && status === 'on');
}

function withoutTopic(point: string, setting: Probe<Setting | undefined>): Finding {
  const topic = setting.ok ? setting.found?.topic : undefined;
  const todo = topic
    ? `MPC tells ${topic} already: set SMN_TOPIC_URN to it, to be told by it as well`
    : 'to have files and notices within a second, name a topic with SMN_TOPIC_URN (README, "Results")';
  return { point, state: 'note', text: `on-finish has no topic; ${WITHOUT}`, todo };
}

async function topicFinding(topic: string, region: string, cloud: CloudApi): Promise<Finding> {
  const point = `topic ${topic}`;
  const path = `/v2/${cloud.connection.projectId}/notifications/topics/${topic}/attributes`;
  const found = await probe(async () =>
    Attributes.parse((await cloud.call('smn', { method: 'GET', path })).body),
  );
  if (found.ok) {
    // Whether MPC is let in, MPC itself says when it is told to use the topic.
    return { point, state: 'ok', text: 'is there' };
  }
  if (found.status === 404) {
    const name = topic.split(':').at(-1);
    const todo = `hcloud SMN CreateTopic --cli-region=${region} --name=${name} --display_name=${name}, or set SMN_TOPIC_URN to another one`;
    return { point, state: 'missing', text: 'does not exist', todo };
  }
  const todo =
    'look in the console (SMN, Topics), or let the key have the system policy "SMN ReadOnlyAccess"';
  return { point, state: 'unseen', text: found.reason, todo };
}

function settingFinding(point: string, topic: string, region: string, setting: Setting | undefined): Finding {
  const command = `hcloud MPC NotifySmnTopicConfig --cli-region=${region} --notifications.1.event_name=${EVENT} --notifications.1.status=on --notifications.1.topic=${topic} --notifications.1.msg_type=2`;
  if (setting === undefined) {
    return {
      point,
      state: 'note',
      text: `MPC tells nobody of ${EVENT}; ${WITHOUT}`,
      todo: `let the topic’s policy allow MPC to publish (console: SMN, Topics), then ${command}`,
    };
  }
  if (setting.topic !== topic) {
    return {
      point,
      state: 'note',
      text: `MPC tells ${setting.topic}, which somebody has set for the whole project; ${WITHOUT}`,
      todo: `set SMN_TOPIC_URN=${setting.topic} to be told by that topic as well, or agree with whoever uses it and then ${command}`,
    };
  }
  if (!JSON_TYPES.includes(setting.msg_type ?? 0)) {
    const text = `MPC sends ${topic} no JSON (msg_type ${setting.msg_type}), so functions get nothing; ${WITHOUT}`;
    return { point, state: 'note', text, todo: command };
  }
  return { point, state: 'ok', text: `MPC tells ${topic} when a task has ended` };
}
