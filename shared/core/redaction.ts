import type { Credentials } from './credentials';

/**
 * Removes secrets from a service's error message. Gateways quote the request that they could not verify, with signed
 * headers and security token. At most 500 characters are kept.
 */
export function redact(message: string, { accessKey, secretKey, securityToken }: Credentials): string {
  let text = message;
  for (const secret of [securityToken, secretKey, accessKey]) {
    if (secret) text = text.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***');
  }
  return (
    text
      .replace(/(canonicalRequest|StringToSign|Authorization)\b.*$/is, '$1: …')
      // Signatures are known by their form: hexadecimal SHA-256, base64 SHA-1.
      .replace(/Signature=[^\s&"]*|\b[0-9a-f]{64}\b|[\w+/]{27}=/gi, '***')
      .slice(0, 500)
  );
}
