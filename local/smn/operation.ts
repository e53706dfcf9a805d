import type * as z from 'zod';
import { parseJson } from '../parse-json';
import type { Refused, SignedOperation } from '../signed-server';
import type { TopicBook } from './topic-book';

/** A function that subscribes to a topic. */
export interface FunctionSubscription {
  id: string;
  functionUrn: string;
}

/** What the operations work on. */
export interface Service {
  topics: TopicBook;
  /** Functions with a trigger of the topic. There are no other subscribers here. */
  subscriptionsOf(topicUrn: string): readonly FunctionSubscription[];
}

export type Operation = SignedOperation<Service>;

/** @throws the refusal of the first wrong field */
export function readBody<T>(body: Buffer, schema: z.ZodType<T>, refusal: (field: string) => Refused): T {
  const parsed = schema.safeParse(parseJson(body.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw refusal(String(parsed.error.issues[0]?.path[0] ?? ''));
}

/** A time in SMN's form: `2026-11-27T20:00:00Z`. */
export function smnTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
