import type { AccessKey } from '../../local/iam/credentials';
import { Credentials } from '../../local/iam/credentials';

/** Every temporary key that was given to a function, in this test file. */
export const issuedKeys: AccessKey[] = [];

const { temporaryKeyOf } = Credentials.prototype;
Credentials.prototype.temporaryKeyOf = function (this: Credentials, agency, holder) {
  const key = temporaryKeyOf.call(this, agency, holder);
  if (!issuedKeys.includes(key)) issuedKeys.push(key);
  return key;
};

/** What a text may look like that still tells a secret: as it is, in a URL, in base64, cut off. */
function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
  return forms.map((form) => form.slice(0, 12));
}

/**
 * The secrets that a text tells: keys, tokens and signatures that were used,
 * and whatever has the form of a signed request.
 * @param signatures those that were seen on their way
 */
export function secretsIn(text: string, signatures: readonly string[] = []): string[] {
  const keys = issuedKeys.flatMap(({ accessKey, secretKey, securityToken = '' }) => [
    accessKey,
    secretKey,
    securityToken,
  ]);
  const found = [...new Set([...keys, ...signatures])].filter(
    (secret) => secret !== '' && formsOf(secret).some((form) => text.includes(form)),
  );
  const patterns = text.match(
    /Signature=[^\s&"*…]+|SDK-HMAC-SHA256 Access=[^*]|AccessKeyId=[^*]|security-token[=:]\s*[^*\s]+/gi,
  );
  return [...found, ...(patterns ?? [])];
}
