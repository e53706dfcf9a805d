import * as z from 'zod';
import { parseJson } from '../parse-json';
import type { SignedOperation } from '../signed-server';
import type { LtsBehaviour } from './behaviour';
import { invalidBody } from './errors';
import type { LogBook, LogStream, Tags } from './log-book';

/** What the operations work on. */
export interface Service {
  logs: LogBook;
  behaviour: LtsBehaviour;
}

export type Operation = SignedOperation<Service>;

/** Names of groups and streams (LTS API reference, creating a log group). */
export const logName = z
  .string()
  .regex(/^(?![._])[\w.-]{1,64}(?<!\.)$/, 'must be 1 to 64 letters, digits, "_", "-" and "."');

/** Days that logs are kept. */
export const ttlInDays = z.number().int().min(1).max(365);

export const tagList = z
  .array(z.object({ key: z.string().min(1).max(128), value: z.string().max(255).default('') }))
  .max(20)
  .default([]);

/** Tags by key. */
export function tagsOf(list: z.output<typeof tagList>): Tags {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}

/** @throws Refused LTS.0009 */
export function readBody<T>(body: Buffer, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(body.toString('utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidBody(`${issue?.path.join('.') || 'the body'} ${issue?.message}`);
}

/** A stream as LTS lists it. */
export function streamView({ id, name, createdMs, ttlDays, tags }: LogStream) {
  return {
    creation_time: createdMs,
    log_stream_id: id,
    log_stream_name: name,
    tag: tags,
    filter_count: 0,
    is_favorite: false,
    whether_log_storage: true,
    ttl_in_days: ttlDays,
  };
}
