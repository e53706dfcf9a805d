import { utf8 } from './bytes';
import { SnapshotsError } from './errors';

/** A notice of the service: the body of a webhook. */
export interface Notice {
  type: 'snapshots.succeeded' | 'snapshots.failed' | 'snapshots.cancelled';
  /** When it happened, ISO 8601. */
  timestamp: string;
  data: {
    task_id: string;
    status: 'SUCCEEDED' | 'FAILED' | 'CANCELED';
    /** Why the task failed. */
    description?: string;
    video: { bucket?: string; key?: string; etag?: string };
    output: { bucket?: string; directory?: string };
    [more: string]: unknown;
  };
}

/** Why a message is rejected. */
export type WebhookProblem =
  | 'missing_header'
  | 'bad_secret'
  | 'too_old'
  | 'too_new'
  | 'wrong_signature'
  | 'not_json';

/** A message that must not be trusted: answer with 400 and ignore its content. */
export class WebhookError extends SnapshotsError {
  override name = 'WebhookError';
  constructor(
    readonly code: WebhookProblem,
    message: string,
  ) {
    super(message);
  }
}

export interface WebhookOptions {
  /** How old a message may be, or how far in the future, in seconds (default 300, as Standard Webhooks says). */
  toleranceSeconds?: number;
  /** The current time, ms since the epoch (default: the clock). For tests. */
  nowMs?: number;
}

/**
 * Checks that a message was signed with the secret and is new (Standard Webhooks 1.0.0), and parses it.
 * The same message may come twice, with the same `webhook-id` header.
 *
 * @param body exactly the received bytes or text, before any parsing
 * @param headers a `Headers`, or the headers object of Node.js
 * @param secrets `whsec_…`; several during a rotation
 * @throws WebhookError
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, nowMs = Date.now() }: WebhookOptions = {},
): Promise<Notice> {
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature')
    .split(' ')
    .flatMap((one) => (one.startsWith('v1,') ? [one.slice('v1,'.length)] : []));
  if (!/^\d{1,15}$/.test(timestamp))
    throw new WebhookError('missing_header', 'webhook-timestamp must be whole seconds since 1970');
  const ageSeconds = nowMs / 1000 - Number(timestamp);
  if (ageSeconds > toleranceSeconds)
    throw new WebhookError('too_old', `the message is older than ${toleranceSeconds} s`);
  if (ageSeconds < -toleranceSeconds)
    throw new WebhookError('too_new', `the message is dated more than ${toleranceSeconds} s in the future`);
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = utf8(`${id}.${timestamp}.${text}`);
  if (!(await isSignedByAny(signed, signatures, typeof secrets === 'string' ? [secrets] : secrets)))
    throw new WebhookError('wrong_signature', 'no signature of the message matches a secret');
  try {
    return JSON.parse(text) as Notice;
  } catch {
    throw new WebhookError('not_json', 'the message is not JSON');
  }
}

async function isSignedByAny(
  signed: Uint8Array<ArrayBuffer>,
  signatures: readonly string[],
  secrets: readonly string[],
): Promise<boolean> {
  for (const secret of secrets) {
    const raw = base64(secret.replace(/^whsec_/, ''));
    if (raw === undefined || raw.length === 0)
      throw new WebhookError('bad_secret', 'a secret must be whsec_ and a key in base64');
    const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'verify',
    ]);
    for (const signature of signatures) {
      const bytes = base64(signature);
      // `verify` compares in constant time.
      if (bytes !== undefined && (await crypto.subtle.verify('HMAC', key, bytes, signed))) return true;
    }
  }
  return false;
}

function header(
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1];
  const value = typeof found === 'object' ? found?.[0] : found;
  if (!value) throw new WebhookError('missing_header', `the message has no header ${name}`);
  return value;
}

function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
