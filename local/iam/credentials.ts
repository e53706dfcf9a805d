import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock';

/** One access key that the local cloud accepts. */
export interface AccessKey {
  accessKey: string;
  secretKey: string;
  projectId: string;
  /** Set for temporary keys only; must then be sent and signed with every request. */
  securityToken?: string;
  expiresAtMs?: number;
  /** The IAM agency that a temporary key acts for. */
  agency?: string;
  /** What it was issued to, such as a function: for the access log. */
  holder?: string;
  /** The agency's token, issued together with the key. */
  token?: string;
  /** Actions that its holder may not take, with `*`, such as `iam:*`; absent: may do everything. */
  denied?: readonly string[];
  /** Account ("domain") that it belongs to; absent: the one of the local cloud. */
  domainId?: string;
  domainName?: string;
}

/** A token that takes the place of a signature in `X-Auth-Token`. */
export interface Token {
  value: string;
  projectId: string;
  expiresAtMs: number;
}

/** How long IAM's tokens are valid (IAM API reference, obtaining a user token). */
const TOKEN_LIFETIME_MS = 24 * 3600 * 1000;
const TEMPORARY_KEY_LIFETIME_MS = 24 * 3600 * 1000;
const TEMPORARY_KEY_CACHE_MS = 10 * 60 * 1000;

/** The keys of the one account that the local cloud knows: a permanent one and those issued to agencies. */
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

  /** Lets a further key in, such as one of another account. */
  add(key: AccessKey): void {
    this.#keys.set(key.accessKey, key);
  }

  /** The key with this id, expired or not; undefined when it was never issued. */
  find(accessKey: string): AccessKey | undefined {
    return this.#keys.get(accessKey);
  }

  /** True when the lifetime of a key or token is over. */
  isExpired({ expiresAtMs }: { expiresAtMs?: number }): boolean {
    return expiresAtMs !== undefined && this.clock() >= expiresAtMs;
  }

  /** A new token of the account, valid for 24 h. IAM gives them against a password, which nobody has here. */
  issueToken(): Token {
    const token: Token = {
      value: randomBytes(48).toString('base64url'),
      projectId: this.permanent.projectId,
      expiresAtMs: this.clock() + TOKEN_LIFETIME_MS,
    };
    this.#tokens.set(token.value, token);
    return token;
  }

  /** The token with this value, expired or not; undefined when it was never issued. */
  findToken(value: string): Token | undefined {
    return this.#tokens.get(value);
  }

  /**
   * The temporary key of an agency: valid for 24 h and handed out again for 10 minutes, as FunctionGraph's user
   * guide describes for the keys on a function's context.
   * @param holder what gets it, such as a function: each has a key of its own, so that the access log tells who called
   */
  temporaryKeyOf(agency: string, holder?: string): AccessKey {
    const now = this.clock();
    const name = `${agency} ${holder ?? ''}`;
    const cached = this.#cachedUntilMs.get(name);
    if (cached !== undefined && now < cached.untilMs) return cached.key;
    const key: AccessKey = {
      accessKey: `HST3${randomBytes(8).toString('hex').toUpperCase()}`,
      secretKey: randomBytes(20).toString('hex'),
      // As long as real ones: whoever puts it into addresses meets the limits of answers here, too.
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
