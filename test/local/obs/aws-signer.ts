import { createHash, createHmac } from 'node:crypto';
import type { AccessKey } from '../../../local/iam/credentials';
import { REGION } from './obs-fixture';

/** What a test says about a signature of AWS version 4; all else is as it should be. */
export interface AwsSigning {
  key: AccessKey;
  timeMs?: number;
  region?: string;
  service?: string;
  /** `20261123`; the day of the time when absent. */
  day?: string;
  bodyHash?: string;
  /** Sent, but not signed. */
  unsigned?: readonly string[];
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** The headers of a signed request: a signer of its own, after the documents, that can be told to make mistakes. */
export function awsHeaders(
  method: string,
  path: string,
  host: string,
  headers: Record<string, string>,
  { key, timeMs = Date.now(), region = REGION, service = 's3', unsigned = [], ...signing }: AwsSigning,
): Record<string, string> {
  const time = new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const bodyHash = signing.bodyHash ?? sha256('');
  const sent: Record<string, string> = {
    host,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': time,
    ...(key.securityToken !== undefined && { 'x-amz-security-token': key.securityToken }),
    ...headers,
  };
  const names = Object.keys(sent)
    .filter((name) => !unsigned.includes(name))
    .sort();
  const [rawPath = '', query = ''] = path.split('?');
  const canonical = [
    method,
    rawPath,
    query,
    ...names.map((name) => `${name}:${sent[name]}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n');
  const scope = `${signing.day ?? time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const signingKey = scope.split('/').reduce<Buffer>(hmac, Buffer.from(`AWS4${key.secretKey}`));
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${key.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${hmac(signingKey, text).toString('hex')}`,
  };
}
