import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Dice } from './faults/dice';
import { BodyTooLarge, readBody } from './http-server';
import { parseJson } from './parse-json';

/** Faults of a receiver. */
export const RECEIVER_FAULTS = {
  'webhook.5xx': 'the receiver answers 503',
  'webhook.timeout': 'the receiver never answers',
} as const;

export type ReceiverFault = keyof typeof RECEIVER_FAULTS;

/** A notice that arrived, and the answer to it. */
export interface ReceivedNotice {
  id: string;
  /** As sent, JSON. */
  body: string;
  value: unknown;
  answer: 204 | 401 | 503 | 'none';
  /** Why it was refused. */
  refusal?: string;
}

export interface ReceiverOptions {
  /** Each is `whsec_` and a key in base64. One of them must have signed the notice. */
  secrets: readonly string[];
  faults?: { shares: Partial<Record<ReceiverFault, number>>; seed: number } | undefined;
  onNotice: (notice: ReceivedNotice) => void;
}

const MAX_BODY_BYTES = 1024 * 1024;
/** Standard Webhooks 1.0.0, "Verifying webhook authenticity". */
const MAX_AGE_SECONDS = 300;

/** A server that receives notices and verifies them by Standard Webhooks. Not yet listening. */
export function createReceiver({ secrets, faults, onNotice }: ReceiverOptions): Server {
  const dice = new Dice(faults?.seed ?? 0);
  // Every fault is rolled, so that none shifts the decisions of another one.
  const roll = (name: ReceiverFault) => dice.roll(name) < (faults?.shares[name] ?? 0);
  return createServer(async (request, response) => {
    try {
      const body = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
      const id = headerOf(request, 'webhook-id');
      const [hangs, fails] = [roll('webhook.timeout'), roll('webhook.5xx')];
      const refusal = hangs || fails ? undefined : refusalOf(request, body, secrets);
      const answer = hangs ? 'none' : fails ? 503 : refusal === undefined ? 204 : 401;
      onNotice({ id, body, value: parseJson(body), answer, ...(refusal !== undefined && { refusal }) });
      if (answer !== 'none') response.writeHead(answer).end();
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) response.destroy();
      else response.writeHead(413).end();
    }
  });
}

/** Why a notice is not authentic; undefined if it is. */
function refusalOf(request: IncomingMessage, body: string, secrets: readonly string[]): string | undefined {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(request, name),
  ) as [string, string, string];
  if (id === '' || timestamp === '' || signatures === '') {
    return 'webhook-id, webhook-timestamp or webhook-signature is missing';
  }
  const ageSeconds = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(ageSeconds <= MAX_AGE_SECONDS))
    return `webhook-timestamp ${timestamp} is not within ${MAX_AGE_SECONDS} s`;
  const isSigned = secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
    return signatures.split(' ').some((one) => isSame(one, wanted));
  });
  return isSigned ? undefined : 'no signature was made with the secret (NOTIFY_SECRET)';
}

function isSame(signature: string, wanted: Buffer): boolean {
  const [version, value = ''] = signature.split(',');
  const given = Buffer.from(value, 'base64');
  return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted);
}

function headerOf({ headers }: IncomingMessage, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
