import type { MpcBehaviour } from './behaviour';
import { topicRefusesMpc } from './errors';
import { presentId, presentTask } from './presentation';
import type { Task } from './task-book';

/** All events that MPC can report (ListNotifyEvent, and "Event Types" of the notification guide). */
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

/** The notification of one event; one setting for the whole project. */
export interface NotificationSetting {
  event_name: NotificationEvent;
  status: 'on' | 'off';
  /** URN of a topic of SMN. */
  topic: string;
  /** 0: nothing, 1: text, 2: JSON, 3: both. Text is for people, functions receive JSON. */
  msg_type: number;
}

/** What MPC needs from SMN. */
export interface Topics {
  /** Whether the topic exists and lets MPC publish. */
  mayPublish(topicUrn: string): boolean;
  publish(topicUrn: string, message: string): void;
}

const JSON_TYPES = [2, 3];

/** Publishes the end of tasks to the topics of the settings. */
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

  /** @throws ServiceError if an enabled topic does not let MPC publish; then no setting changes */
  set(settings: readonly NotificationSetting[]): void {
    for (const { status, topic } of settings) {
      if (status === 'on' && this.#topics?.mayPublish(topic) !== true) throw topicRefusesMpc(topic);
    }
    for (const setting of settings) this.#settings.set(setting.event_name, setting);
  }

  /** The caller of a synchronous task already knows its result. */
  leaveOut(task: Task): void {
    if (this.#behaviour.notifiedTasks === 'queued') this.#untold.add(task);
  }

  /** Call it once, when a task has ended. */
  taskEnded(task: Task): void {
    const setting = this.#settings.get('ThumbnailComplete');
    if (setting?.status !== 'on' || !JSON_TYPES.includes(setting.msg_type)) return;
    if (this.#untold.has(task)) return;
    if (task.status === 'CANCELED' && this.#behaviour.notifiedTasks === 'queued') return;
    // Meanwhile the topic may have been deleted or closed.
    if (this.#topics?.mayPublish(setting.topic) !== true) return;
    this.#topics.publish(setting.topic, JSON.stringify(this.#message(task)));
  }

  #message(task: Task): Record<string, unknown> {
    const { thumbnail_info, status, ...shown } = presentTask(task, this.#behaviour);
    const { notificationStatus } = this.#behaviour;
    return {
      event_type: 'ThumbnailComplete',
      // An object here; in the list the same name is an array of pictures.
      thumbnail_info: {
        ...shown,
        task_id: presentId(task.id, this.#behaviour),
        status: status === 'SUCCEEDED' ? notificationStatus : status,
        thumbnail_info,
      },
    };
  }
}
