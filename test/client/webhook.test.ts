import { Webhook } from 'standardwebhooks';
import { verifyWebhook, WebhookError } from '../../client/src';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_c2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2g=';
const BODY =
  '{"type":"snapshots.succeeded","timestamp":"2026-11-27T12:00:00.000Z","data":{"task_id":"1","key":"中"}}';

function message(secret = SECRET, secondsAgo = 0, body = BODY) {
  const sentAt = new Date(Date.now() - secondsAgo * 1000);
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', sentAt, body),
  };
}

/** What the reference implementation makes of a message. */
function reference(body: string, headers: Record<string, string>, secret = SECRET): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'taken',
    (error: WebhookError) => (error instanceof WebhookError ? error.code : error),
  );

test('a webhook signed by the reference implementation is accepted as text, as bytes, with Headers and with plain objects', async () => {
  const headers = message();
  expect(await verifyWebhook(BODY, headers, SECRET)).toEqual(JSON.parse(BODY));
  expect(await verifyWebhook(Buffer.from(BODY), new Headers(headers), SECRET)).toEqual(JSON.parse(BODY));
  const shouted = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  expect(await verifyWebhook(BODY, shouted, [OTHER, SECRET])).toEqual(JSON.parse(BODY));
});

test('one of several signatures is enough, whatever the others are', async () => {
  const headers = message();
  const several = `v1,AAAA v2,${headers['webhook-signature'].slice(3)} v1a,x ${headers['webhook-signature']}`;
  expect(await codeOf(verifyWebhook(BODY, { ...headers, 'webhook-signature': several }, SECRET))).toBe(
    'taken',
  );
});

const good = message();
test.each<[string, string, Record<string, string>, string]>([
  ['another body', `${BODY} `, good, 'wrong_signature'],
  ['another secret', BODY, message(OTHER), 'wrong_signature'],
  ['another id', BODY, { ...good, 'webhook-id': 'msg_2' }, 'wrong_signature'],
  [
    'another time',
    BODY,
    { ...good, 'webhook-timestamp': String(Number(good['webhook-timestamp']) - 1) },
    'wrong_signature',
  ],
  [
    'no version',
    BODY,
    { ...good, 'webhook-signature': good['webhook-signature'].slice(3) },
    'wrong_signature',
  ],
  ['no base64', BODY, { ...good, 'webhook-signature': 'v1,***' }, 'wrong_signature'],
  ['an old message', BODY, message(SECRET, 400), 'too_old'],
  ['a message of the future', BODY, message(SECRET, -400), 'too_new'],
  ['no id', BODY, { ...good, 'webhook-id': '' }, 'missing_header'],
  ['no time', BODY, { ...good, 'webhook-timestamp': 'now' }, 'missing_header'],
  [
    'no signature',
    BODY,
    { 'webhook-id': 'a', 'webhook-timestamp': good['webhook-timestamp'] },
    'missing_header',
  ],
])('%s is refused, by the reference implementation too', async (_, body, headers, code) => {
  expect(reference(body, headers)).toBe(false);
  expect(await codeOf(verifyWebhook(body, headers, SECRET))).toBe(code);
});

test('the tolerance can be set, and a text that is not a secret is refused', async () => {
  const old = message(SECRET, 400);
  expect(await codeOf(verifyWebhook(BODY, old, SECRET, { toleranceSeconds: 500 }))).toBe('taken');
  expect(await codeOf(verifyWebhook(BODY, good, 'whsec_***'))).toBe('bad_secret');
  expect(await codeOf(verifyWebhook(BODY, good, ''))).toBe('bad_secret');
  expect(await codeOf(verifyWebhook('no json', message(SECRET, 0, 'no json'), SECRET))).toBe('not_json');
});
