import * as z from 'zod/mini';
import type { FunctionContext } from '../core/context';
import type { Detail } from '../core/errors';
import { integerText, textThat } from '../core/schema';
import { type Invocation, openInvocation } from './invocation';
import { isLoopback, listOf, readUserData, type Settings, settingsError } from './settings';

/** The settings of `on-finish`. */
export interface FinishSettings extends Settings {
  /** The kinds of files to write beside the pictures of a task that succeeded. */
  publish: ReadonlySet<PublishedKind>;
  /** Cache-Control header of published files. */
  publishCacheControl: string;
  /** Longer side of a tile of a sprite, px. */
  spriteWidthPx: number;
  /** Receiver of webhooks when a task has ended; undefined: none are sent. */
  notify: { url: string; secrets: readonly string[] } | undefined;
}

/** An invocation of on-finish. */
export interface FinishInvocation extends Invocation {
  settings: FinishSettings;
}

const PUBLISHED_KINDS = ['vtt', 'storyboard', 'poster', 'index', 'sprite'] as const;
/** A kind of file beside the pictures. */
export type PublishedKind = (typeof PUBLISHED_KINDS)[number];

const DEFAULTS: Readonly<Record<string, string>> = {
  PUBLISH: 'vtt,storyboard,poster,index',
  PUBLISH_CACHE_CONTROL: 'public, max-age=3600',
  SPRITE_WIDTH: '160',
};

const FinishSchema = z.object({
  PUBLISH: textThat(
    (value) => value === 'none' || listOf(value).every(isPublishedKind),
    `must be none, or a list of ${PUBLISHED_KINDS.join(', ')}`,
  ),
  PUBLISH_CACHE_CONTROL: textThat(
    (value) => /^[\x20-\x7e]{1,200}$/.test(value),
    'must be a Cache-Control header of 1 to 200 ASCII characters, such as public, max-age=3600',
  ),
  SPRITE_WIDTH: integerText(16, 640, 'px'),
  NOTIFY_URL: z.optional(
    textThat(
      (value) => /^https?:\/\/[^/?#\s@]+(\/[^#\s]*)?$/.test(value),
      'must be an https address without user name, such as https://example.com/hooks/snapshots',
    ),
  ),
  NOTIFY_SECRET: z.optional(
    textThat(
      (value) => secretsOf(value).length > 0 && secretsOf(value).every(isSigningSecret),
      'must be whsec_ and 24 to 64 bytes in base64; for a rotation give several with spaces between them',
    ),
  ),
});

/**
 * Reads the context of an invocation of on-finish.
 * @throws SettingsError when settings are wrong
 */
export function openFinishInvocation(context: FunctionContext): FinishInvocation {
  const invocation = openInvocation(context);
  return { ...invocation, settings: readFinishSettings(context, invocation.settings) };
}

/** @throws SettingsError that names every wrong key among the settings of on-finish */
export function readFinishSettings(
  context: Pick<FunctionContext, 'getUserData'>,
  settings: Settings,
  environment?: Readonly<Record<string, string | undefined>>,
): FinishSettings {
  const { data: values, details } = readUserData(FinishSchema, DEFAULTS, context, environment);
  if (details) throw settingsError(details.map(withoutSecret));
  const { NOTIFY_URL, NOTIFY_SECRET } = values;
  const issues: Detail[] = [];
  if (NOTIFY_URL !== undefined && !NOTIFY_URL.startsWith('https:') && !isLoopback(settings.obsEndpoint)) {
    issues.push({ path: 'NOTIFY_URL', message: 'must be an https address' });
  }
  if ((NOTIFY_URL === undefined) !== (NOTIFY_SECRET === undefined)) {
    const [missing, given] =
      NOTIFY_URL === undefined ? ['NOTIFY_URL', 'NOTIFY_SECRET'] : ['NOTIFY_SECRET', 'NOTIFY_URL'];
    issues.push({ path: missing, message: `must be set together with ${given}` });
  }
  if (issues.length > 0) throw settingsError(issues);
  return {
    ...settings,
    publish: new Set(listOf(values.PUBLISH).filter(isPublishedKind)),
    publishCacheControl: values.PUBLISH_CACHE_CONTROL,
    spriteWidthPx: Number(values.SPRITE_WIDTH),
    notify: NOTIFY_URL && NOTIFY_SECRET ? { url: NOTIFY_URL, secrets: secretsOf(NOTIFY_SECRET) } : undefined,
  };
}

function isPublishedKind(value: string): value is PublishedKind {
  return (PUBLISHED_KINDS as readonly string[]).includes(value);
}

function secretsOf(value: string): string[] {
  return value.split(' ').filter((item) => item !== '');
}

/** Standard Webhooks, "Signature scheme": a symmetric secret. */
function isSigningSecret(secret: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) return false;
  const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return length >= 24 && length <= 64;
}

/** The message is logged: it must contain neither the secret nor the address, which may hold a token. */
function withoutSecret(detail: Detail): Detail {
  if (!detail.path.startsWith('NOTIFY_')) return detail;
  return { ...detail, message: detail.message.replace(/, got .*$/s, '') };
}
