import type { Answer } from './instance-protocol';
import { failure } from './runtime-errors';

/**
 * Turns a handler's result into text as the platform does: strings unchanged, objects as JSON, undefined as an empty
 * text. Fails with 4007 if the result cannot be serialised, and with 4004 if the text is longer than `limitBytes`.
 */
export function serialiseResult(value: unknown, limitBytes: number): Answer {
  let body: string;
  try {
    body = textOf(value);
  } catch (error) {
    return failure(4007, `function result is invalid, error: ${(error as Error).message}`);
  }
  const sizeBytes = Buffer.byteLength(body);
  if (sizeBytes > limitBytes) {
    return failure(4004, `response body size ${sizeBytes} exceeds the limit of ${limitBytes}`);
  }
  return { isError: false, body };
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value) ?? '';
}
