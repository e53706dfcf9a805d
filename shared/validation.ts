import * as z from 'zod/mini';
import { CallerError, type Detail } from './core/errors';
import { isText, textLike, textThat } from './core/schema';

// Limits of MPC's snapshot API (API reference, "Creating a snapshot task"; its OpenAPI description for the ranges).
export const MAX_USER_DATA_CHARACTERS = 65_535;
/** OBS API reference, "Uploading an object". */
const MAX_KEY_BYTES = 1024;

/** OBS API reference, "Creating a bucket". */
export const bucketName = /* @__PURE__ */ textLike(
  /^(?!.*(\.\.|\.-|-\.))(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  'must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots',
);

/** Well-formed Unicode without control characters. */
export function isCleanText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text);
}

/** True for keys that OBS accepts and that every service passes on unchanged. */
export function isObjectKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= MAX_KEY_BYTES && isCleanText(key);
}

export const objectKey = /* @__PURE__ */ textThat(
  isObjectKey,
  // No template literal: bundlers can then drop it from functions that check no requests.
  'must be 1 to 1024 bytes of well-formed UTF-8 without control characters',
);

/** MPC's ids: the documents show digits and allow up to 16 characters. */
export const TASK_ID = /^[A-Za-z0-9]{1,16}$/;

/** Checks a value. @returns the parsed value, or what is wrong with it, field by field */
export function check<T extends z.ZodMiniType>(
  schema: T,
  value: unknown,
): { data: z.infer<T>; details?: undefined } | { data?: undefined; details: Detail[] } {
  const parsed = z.safeParse(schema, value);
  return parsed.success ? { data: parsed.data } : { details: describeIssues(parsed.error.issues, value) };
}

/**
 * Parses a request at the border.
 * @throws InvalidRequest with a detail for each wrong field
 */
export function parse<T extends z.ZodMiniType>(schema: T, value: unknown): z.infer<T> {
  const { data, details } = check(schema, value);
  if (details) throw new InvalidRequest(details);
  return data as z.infer<T>;
}

/** Of each query parameter the last value. */
export function lastValues(query: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, values]) => (values.length > 0 ? [[name, values.at(-1)]] : [])),
  );
}

/** Checks a task id from the path. @throws InvalidRequest */
export function parseTaskId(value: string): string {
  if (TASK_ID.test(value)) return value;
  throw new InvalidRequest([
    { path: 'task_id', message: `must be a task id: 1 to 16 letters and digits, got ${show(value)}` },
  ]);
}

/** An invalid request. The message names every wrong field. */
export class InvalidRequest extends CallerError {
  constructor(readonly details: readonly Detail[]) {
    const summary = details.map(({ path, message }) => `${path || 'the body'} ${message}`).join('; ');
    super(`Invalid request parameter: ${summary}`);
  }
}

/** More of them would only make the error longer. */
const MAX_UNKNOWN_FIELDS = 20;

/**
 * Turns zod's issues into details: for each wrong field its path, what is allowed and the value. A list
 * is reported once, however many of its items are wrong.
 */
function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): Detail[] {
  const details = issues.flatMap((issue): Detail[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, MAX_UNKNOWN_FIELDS).map((key) => ({
        path: [...issue.path, shorten(key)].join('.'),
        message: 'is not a known field',
      }));
    }
    const isMember = typeof issue.path.at(-1) === 'number';
    const path = isMember ? issue.path.slice(0, -1) : issue.path;
    return [{ path: path.join('.'), message: describeIssue(issue, valueAt(path, value)) }];
  });
  return [...new Map(details.map((detail) => [detail.path, detail])).values()];
}

function valueAt(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)[key], value);
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown): string {
  if (input === undefined) return 'is required';
  const got = `, got ${show(input)}`;
  if (issue.code === 'invalid_type' && issue.expected === 'object') return `must be an object${got}`;
  return issue.message + got;
}

/** The value as JSON, shortened, so that an error never echoes a whole body. A long text becomes its length. */
export function show(value: unknown): string {
  if (isText(value) && value.length > 60) {
    return `${value.length} characters (${Buffer.byteLength(value)} bytes)`;
  }
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return `something too deep`;
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
