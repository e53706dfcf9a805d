import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock';

/** An access key that the local cloud accepts. */
export interface AccessKey {
  accessKey: string;
  secretKey: string;
  projectId: string;
  /** Only for temporary keys. Every request must then send and sign it. */
  securityToken?: string;
  expiresAtMs?: number;
  /** The IAM agency of a temporary key. */
  agency?: string;
  /** What the key was issued to, such as a function. For the access log. */
  holder?: string;
  /** The agency's token, which is issued together with the key. */
  token?: string;
  /** Actions that the holder is denied, with the wildcard `*`, such as `iam:*`. Absent: everything is allowed. */
  denied?: readonly string[];
  /** Account ("domain") of the key. Absent: the account of the local cloud. */
  domainId?: string;
  domainName?: string;
}

/** A token in `X-Auth-Token`, which replaces a signature. */
export interface Token {
  value: string;
  projectId: string;
  expiresAtMs: number;
}

/** How long IAM's tokens are valid (IAM API reference, obtaining a user token). */
const TOKEN_LIFETIME_MS = 24 * 3600 * 1000;
const TEMPORARY_KEY_LIFETIME_MS = 24 * 3600 * 1000;
const TEMPORARY_KEY_CACHE_MS = 10 * 60 * 1000;

/** The keys that the local cloud knows: the permanent one of its account, and those issued to agencies. */
export class Credentials {
  readonly #keys = new Map<string, AccessKey>();
  readonly #tokens = new Map<string, Token>();
  readonly #cachedUntilMs = new Map<string, { key: AccessKey; untilMs: number }>();

  constructor(
    readonly permanent: AccessKey,
    private readonly clock: Clock = Date.now,
  ) {
    this.#keys.set(permanent.accessKey, permanent);
  }

  /** Accepts a further key, such as one of another account. */
  add(key: AccessKey): void {
    this.#keys.set(key.accessKey, key);
  }

  /** The key with this id, expired or not; undefined if it was never issued. */
  find(accessKey: string): AccessKey | undefined {
    return this.#keys.get(accessKey);
  }

  /** True if the lifetime of a key or token is over. */
  isExpired({ expiresAtMs }: { expiresAtMs?: number }): boolean {
    return expiresAtMs !== undefined && this.clock() >= expiresAtMs;
  }

  /**
   * A new token of the account, valid for 24 h. IAM issues tokens for a password, which the local account does not
   * have.
   */
  issueToken(): Token {
    const token: Token = {
      value: randomBytes(48).toString('base64url'),
      projectId: this.permanent.projectId,
      expiresAtMs: this.clock() + TOKEN_LIFETIME_MS,
    };
    this.#tokens.set(token.value, token);
    return token;
  }

  /** The token with this value, expired or not; undefined if it was never issued. */
  findToken(value: string): Token | undefined {
    return this.#tokens.get(value);
  }

  /**
   * The temporary key of an agency. It is valid for 24 h, and the same key is issued again for 10 minutes, as
   * FunctionGraph's user guide describes for the keys in a function's context.
   * @param holder what gets the key, such as a function: each has a key of its own, so that the access log shows who
   *   called
   */
  temporaryKeyOf(agency: string, holder?: string): AccessKey {
    const now = this.clock();
    const name = `${agency} ${holder ?? ''}`;
    const cached = this.#cachedUntilMs.get(name);
    if (cached !== undefined && now < cached.untilMs) return cached.key;
    const key: AccessKey = {
      accessKey: `HST3${randomBytes(8).toString('hex').toUpperCase()}`,
      secretKey: randomBytes(20).toString('hex'),
      // As long as real tokens: URLs with it meet the limits of answers here too.
      securityToken: randomBytes(1800).toString('base64'),
      projectId: this.permanent.projectId,
      expiresAtMs: now + TEMPORARY_KEY_LIFETIME_MS,
      agency,
      ...(holder !== undefined && { holder }),
      token: this.issueToken().value,
    };
    this.#keys.set(key.accessKey, key);
    this.#cachedUntilMs.set(name, { key, untilMs: now + TEMPORARY_KEY_CACHE_MS });
    return key;
  }
}
