import * as z from 'zod';
import { ACCOUNT } from '../account';
import { awsAccessKeyOf } from '../iam/aws-signature-doctor';
import type { ReceivedRequest } from '../iam/canonical-request';
import { diagnoseSignature } from '../iam/signature-doctor';
import { UsageError } from '../usage-error';
import { readArguments } from './arguments';
import { readInput } from './read-input';
import { CLOUD_OPTIONS, RunningCloud } from './running-cloud';
import { print } from './terminal';

export const OPTIONS = { last: { type: 'boolean' }, port: CLOUD_OPTIONS.port } as const;

/** A request as a user writes it down, the gateway's answer to it, and what the client signed. */
const SignatureInput = z.object({
  method: z.string().optional(),
  url: z.string().optional(),
  headers: z.record(z.string(), z.coerce.string()).default({}),
  body: z.string().default(''),
  /** The answer of the gateway, or the sentence in it; for OBS, its XML. */
  refusal: z.union([z.string(), z.object({ error_msg: z.string() })]).optional(),
  error_msg: z.string().optional(),
  canonicalRequest: z.string().optional(),
  /** When the request reached the gateway. Default: now. */
  receivedAt: z.iso.datetime().optional(),
});
type SignatureInput = z.infer<typeof SignatureInput>;

/**
 * Says whether the signature of a request is valid. If it is not, says where client and gateway differ and what to do.
 * @param args a file, `-` for standard input (default), or `--last` for the last refusal of the running local cloud
 * @returns exit code 0 if the signature is valid, or none was refused
 */
export async function signCheck(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: OPTIONS,
  });
  if (values.last === true) return explainLast(RunningCloud.at(values));
  const input = parseInput(await readInput(positionals[0] ?? '-'));
  const request = requestOf(input);
  const refusal = refusalOf(input);
  const { canonicalRequest, receivedAt } = input;
  const diagnosis = diagnoseSignature(
    {
      ...(request !== undefined && { request }),
      ...(refusal !== undefined && { refusal }),
      ...(canonicalRequest !== undefined && { canonicalRequest }),
    },
    {
      secretKey: secretKeyFor(request),
      nowMs: receivedAt === undefined ? Date.now() : Date.parse(receivedAt),
    },
  );
  const { explanation, difference } = diagnosis;
  printDiagnosis(explanation, difference && { ...difference, service: difference.gateway });
  return diagnosis.isRight ? 0 : 1;
}

/** Prints the last refusal of the local cloud, with its own explanation. */
async function explainLast(cloud: RunningCloud): Promise<number> {
  const { requests } = await cloud.state();
  const refused = requests.find(({ signature }) => signature !== undefined);
  if (refused?.signature === undefined) {
    print(`the local cloud at ${cloud.gateway} has refused no signature`);
    return 0;
  }
  const { service, method, path, timeMs } = refused;
  const { explanation, difference, expected } = refused.signature;
  print(`${service} ${method} ${path}, refused at ${new Date(timeMs).toISOString()}`);
  printDiagnosis(explanation, difference);
  if (expected !== undefined) print(`\n${expected}`);
  return 1;
}

function printDiagnosis(
  explanation: string,
  difference: { line: number | string; client: string; service: string } | undefined,
): void {
  const lines = [explanation];
  if (difference !== undefined) {
    const { line, client, service } = difference;
    lines.push('', `line ${line} of the canonical request`, `  client   ${client}`, `  gateway  ${service}`);
  }
  print(lines.join('\n'));
}

function parseInput(source: string): SignatureInput {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch {
    throw new UsageError(
      'sign-check needs JSON with method, url, headers and body of the request, and refusal and canonicalRequest if known',
    );
  }
  const parsed = SignatureInput.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`sign-check cannot read ${issue?.path.join('.') || 'the input'}: ${issue?.message}`);
}

/** The request as it reached the gateway. Clients add the host header by themselves. */
function requestOf({ method, url, headers, body }: SignatureInput): ReceivedRequest | undefined {
  if (method === undefined || url === undefined) return undefined;
  const [, host, rawUrl = url] = /^https?:\/\/([^/?]+)((?:[/?].*)?)$/s.exec(url) ?? [];
  const received = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    method,
    rawUrl: rawUrl.startsWith('/') ? rawUrl : `/${rawUrl}`,
    headers: { ...(host !== undefined && { host }), ...Object.fromEntries(received) },
    body: Buffer.from(body),
  };
}

function refusalOf({ refusal, error_msg }: SignatureInput): string | undefined {
  return typeof refusal === 'object' ? refusal.error_msg : (refusal ?? error_msg);
}

function secretKeyFor(request: ReceivedRequest | undefined): string {
  const { HUAWEICLOUD_SDK_SK } = process.env;
  if (HUAWEICLOUD_SDK_SK !== undefined) return HUAWEICLOUD_SDK_SK;
  const accessKey =
    request === undefined
      ? undefined
      : (awsAccessKeyOf(request) ?? /Access=([^,\s]+)/.exec(String(request.headers.authorization))?.[1]);
  if (accessKey === undefined || accessKey === ACCOUNT.accessKey) return ACCOUNT.secretKey;
  throw new UsageError(
    `set HUAWEICLOUD_SDK_SK to the secret key of ${accessKey}; without it only the local account (${ACCOUNT.accessKey}) can be checked`,
  );
}
