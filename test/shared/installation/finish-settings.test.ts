import { type FinishSettings, openFinishInvocation } from '../../../shared/installation/finish-settings';
import { functionContext, userData } from '../function-context';

const finishSettingsWith = (changes: Readonly<Record<string, string>> = {}): FinishSettings =>
  openFinishInvocation(functionContext({ ...userData, ...changes })).settings;

describe('settings of on-finish', () => {
  test('each has a default, and the settings of every function are included', () => {
    expect(finishSettingsWith()).toMatchObject({
      snapshotBucket: 'snapshots',
      publish: new Set(['vtt', 'storyboard', 'poster', 'index']),
      publishCacheControl: 'public, max-age=3600',
      spriteWidthPx: 160,
      notify: undefined,
    });
    expect(() => finishSettingsWith({ REGION: 'nowhere' })).toThrow('REGION must be one of');
  });

  const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

  test('a notice may be signed with several secrets, one behind the other', () => {
    expect(
      finishSettingsWith({ NOTIFY_URL: 'https://example.com/hook', NOTIFY_SECRET: `${SECRET} ${SECRET}` })
        .notify,
    ).toEqual({ url: 'https://example.com/hook', secrets: [SECRET, SECRET] });
  });

  test.each([
    [{ NOTIFY_URL: 'http://example.com/hook', NOTIFY_SECRET: SECRET }, 'NOTIFY_URL must be an https address'],
    [{ NOTIFY_URL: 'https://example.com/hook' }, 'NOTIFY_SECRET must be set together with NOTIFY_URL'],
    [{ NOTIFY_SECRET: SECRET }, 'NOTIFY_URL must be set together with NOTIFY_SECRET'],
    [
      { NOTIFY_URL: 'https://u:p@example.com/', NOTIFY_SECRET: SECRET },
      'NOTIFY_URL must be an https address',
    ],
    [{ NOTIFY_URL: 'https://example.com/', NOTIFY_SECRET: 'whsec_c2hvcnQ=' }, 'NOTIFY_SECRET must be whsec_'],
    [{ PUBLISH: 'vtt,sprites' }, 'PUBLISH must be none, or a list of vtt, storyboard, poster, index, sprite'],
    [{ SPRITE_WIDTH: '8' }, 'SPRITE_WIDTH must be a whole number from 16 to 640 px'],
    [{ PUBLISH_CACHE_CONTROL: 'a\nb' }, 'PUBLISH_CACHE_CONTROL must be a Cache-Control header'],
  ])('%o is refused', (changes, message) => {
    expect(() => finishSettingsWith(changes)).toThrow(message);
  });

  test('no error contains a secret', () => {
    expect(() => finishSettingsWith({ NOTIFY_SECRET: 'whsec_not-a-secret-really' })).not.toThrow(
      /not-a-secret/,
    );
  });

  const TOKEN = 't0ken';

  test.each([
    `http://example.com/hook?key=${TOKEN}`,
    `https://user:${TOKEN}@example.com/`,
    `https:/example.com/${TOKEN}`,
  ])('no error contains the address of a receiver, which may hold a token: %s', (NOTIFY_URL) => {
    const read = () => finishSettingsWith({ NOTIFY_URL, NOTIFY_SECRET: SECRET });
    expect(read).toThrow('NOTIFY_URL must be an https address');
    expect(read).not.toThrow(TOKEN);
  });

  test('a receiver in the local cloud needs no https', () => {
    const local = { OBS_ENDPOINT: 'http://127.0.0.1:4001', MPC_ENDPOINT: 'http://127.0.0.1:4002' };
    expect(
      finishSettingsWith({ ...local, NOTIFY_URL: 'http://localhost:3000/', NOTIFY_SECRET: SECRET }).notify
        ?.url,
    ).toBe('http://localhost:3000/');
  });
});
