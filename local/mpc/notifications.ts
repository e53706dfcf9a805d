import type { MpcBehaviour } from './behaviour';
import { topicRefusesMpc } from './errors';
import { presentId, presentTask } from './presentation';
import type { Task } from './task-book';

/** Everything that MPC can tell of (ListNotifyEvent, and "Event Types" of the notification guide). */
export const NOTIFICATION_EVENTS = [
  'TranscodeComplete',
  'TranscodeStart',
  'ThumbnailComplete',
  'RemuxComplete',
  'AnimatedGraphicsComplete',
  'ParseComplete',
  'EditingComplete',
] as const;

export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** What is told of one event: one setting for the whole project. */
export interface NotificationSetting {
  event_name: NotificationEvent;
  status: 'on' | 'off';
  /** URN of a topic of SMN. */
  topic: string;
  /** 0: nothing, 1: text, 2: JSON, 3: both. Text is for people, functions get JSON. */
  msg_type: number;
}

/** What MPC needs of SMN. */
export interface Topics {
  /** Whether the topic is there and lets MPC publish. */
  mayPublish(topicUrn: string): boolean;
  publish(topicUrn: string, message: string): void;
}

const JSON_TYPES = [2, 3];

/** Whom MPC tells when something has ended. */
export class Notifications {
  readonly #settings = new Map<NotificationEvent, NotificationSetting>();
  readonly #untold = new WeakSet<Task>();
  readonly #topics: Topics | undefined;
  readonly #behaviour: MpcBehaviour;

  constructor(topics: Topics | undefined, behaviour: MpcBehaviour) {
    this.#topics = topics;
    this.#behaviour = behaviour;
  }

  list(): readonly NotificationSetting[] {
    return [...this.#settings.values()];
  }

  /** @throws ServiceError when a topic that is switched on does not let MPC publish; nothing is set then */
  set(settings: readonly NotificationSetting[]): void {
    for (const { status, topic } of settings) {
      if (status === 'on' && this.#topics?.mayPublish(topic) !== true) throw topicRefusesMpc(topic);
    }
    for (const setting of settings) this.#settings.set(setting.event_name, setting);
  }

  /** Of a synchronous task the caller knows already. */
  leaveOut(task: Task): void {
    if (this.#behaviour.notifiedTasks === 'queued') this.#untold.add(task);
  }

  /** To be called once, when a task has ended. */
  taskEnded(task: Task): void {
    const setting = this.#settings.get('ThumbnailComplete');
    if (setting?.status !== 'on' || !JSON_TYPES.includes(setting.msg_type)) return;
    if (this.#untold.has(task)) return;
    if (task.status === 'CANCELED' && this.#behaviour.notifiedTasks === 'queued') return;
    // A topic may have been deleted or closed since.
    if (this.#topics?.mayPublish(setting.topic) !== true) return;
    this.#topics.publish(setting.topic, JSON.stringify(this.#message(task)));
  }

  #message(task: Task): Record<string, unknown> {
    const { thumbnail_info, status, ...shown } = presentTask(task, this.#behaviour);
    const { notificationStatus } = this.#behaviour;
    return {
      event_type: 'ThumbnailComplete',
      // An object, where the list has an array of pictures under this name.
      thumbnail_info: {
        ...shown,
        task_id: presentId(task.id, this.#behaviour),
        status: status === 'SUCCEEDED' ? notificationStatus : status,
        thumbnail_info,
      },
    };
  }
}
