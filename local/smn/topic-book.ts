import type { Clock } from '../clock';
import { newRequestId } from '../http-server';
import { letsPublish } from './access-policy';
import { topicNotFound } from './errors';

export interface Topic {
  urn: string;
  id: string;
  name: string;
  displayName: string;
  createdMs: number;
  updatedMs: number;
  /** JSON; empty: only the account's own users may publish. */
  accessPolicy: string;
  /** Text of e-mails to subscribers. */
  introduction: string;
}

/** A published message, as subscribers receive it. */
export interface TopicMessage {
  id: string;
  topicUrn: string;
  subject: string | null;
  /** Always a string. */
  message: string;
  publishedMs: number;
}

/** The topics of the account's project. They exist as long as the cloud runs. */
export class TopicBook {
  readonly #topics = new Map<string, Topic>();
  readonly #listeners = new Set<(message: TopicMessage) => void>();
  readonly #urnPrefix: string;
  readonly #clock: Clock;

  constructor({ region, projectId, clock = Date.now }: { region: string; projectId: string; clock?: Clock }) {
    this.#urnPrefix = `urn:smn:${region}:${projectId}:`;
    this.#clock = clock;
  }

  /** The topic of this name; created if there is none. */
  create(name: string, displayName: string): { topic: Topic; isNew: boolean } {
    const urn = this.#urnPrefix + name;
    const existing = this.#topics.get(urn);
    if (existing !== undefined) return { topic: existing, isNew: false };
    const nowMs = this.#clock();
    const times = { createdMs: nowMs, updatedMs: nowMs };
    const topic = {
      urn,
      id: newRequestId(),
      name,
      displayName,
      ...times,
      accessPolicy: '',
      introduction: '',
    };
    this.#topics.set(urn, topic);
    return { topic, isNew: true };
  }

  list(): readonly Topic[] {
    return [...this.#topics.values()];
  }

  has(urn: string): boolean {
    return this.#topics.has(urn);
  }

  /** @throws Refused SMN.0006 */
  get(urn: string): Topic {
    const topic = this.#topics.get(urn);
    if (topic === undefined) throw topicNotFound();
    return topic;
  }

  /** @throws Refused SMN.0006 */
  delete(urn: string): void {
    this.get(urn);
    this.#topics.delete(urn);
  }

  /** @throws Refused SMN.0006 */
  set(urn: string, change: Partial<Pick<Topic, 'accessPolicy' | 'introduction'>>): void {
    Object.assign(this.get(urn), change, { updatedMs: this.#clock() });
  }

  /** Whether a service may publish; false if there is no such topic. */
  mayPublish(urn: string, service: string): boolean {
    const topic = this.#topics.get(urn);
    return topic !== undefined && letsPublish(topic.accessPolicy, service, urn);
  }

  /** @returns the message's id. @throws Refused SMN.0006 */
  publish(urn: string, message: string, subject: string | null = null): string {
    this.get(urn);
    const published = { id: newRequestId(), topicUrn: urn, subject, message, publishedMs: this.#clock() };
    for (const listener of this.#listeners) listener(published);
    return published.id;
  }

  /** Calls the listener with every message. @returns a function that ends this */
  onMessage(listener: (message: TopicMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
