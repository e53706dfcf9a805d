import type { AccessLogEntry } from '../../../local/front';
import {
  type AwsReceivedRequest,
  awsAccessKeyOf,
  diagnoseAwsSignature,
} from '../../../local/iam/aws-signature-doctor';
import { type ReceivedRequest, single } from '../../../local/iam/canonical-request';
import type { Credentials } from '../../../local/iam/credentials';
import type { Diagnosis } from '../../../local/iam/diagnosis';
import { diagnoseSignature } from '../../../local/iam/signature-doctor';
import { LIMITS, type RequestEntry, type SignatureVerdict } from '../../server/console-api';
import { Recent } from '../../server/recent';

/**
 * Query parameter that OBS does not know and no signature covers: it marks what the console itself shows. Left in the
 * log, the page's own pictures would push out everything that a person looks for there.
 */
export const SHOWN_BY_CONSOLE = 'x-console';

/** The last requests to the services; of those refused for their signature, why. */
export class RequestLog {
  readonly #entries = new Recent<RequestEntry>(LIMITS.requests);
  readonly #credentials: Credentials;
  readonly #listeners = new Set<(entry: RequestEntry) => void>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  readonly add = (logged: AccessLogEntry): void => {
    const { service, requestId: id, method, rawUrl, path, status, durationMs } = logged;
    const { errorCode, detail, caller, invocationId, unproven, unprovenV4, stringToSign } = logged;
    if (service === 'OBS' && isShownByConsole(rawUrl)) return;
    const signature =
      this.#diagnose(unproven, detail) ??
      this.#diagnoseV4(unprovenV4, logged) ??
      (stringToSign === undefined ? undefined : mismatch(stringToSign));
    const entry: RequestEntry = {
      id,
      service,
      method,
      path,
      status,
      timeMs: Math.round(Date.now() - durationMs),
      durationMs,
      ...(errorCode !== undefined && { errorCode }),
      ...(detail !== undefined && { detail }),
      ...(caller !== undefined && { caller }),
      ...(invocationId !== undefined && { invocationId }),
      ...(signature !== undefined && { signature }),
    };
    this.#entries.set(id, entry);
    for (const listener of this.#listeners) listener(entry);
  };

  /** Newest first. */
  list(): RequestEntry[] {
    return this.#entries.list();
  }

  /** Listens to every request; returns how to stop. */
  onRequest(listener: (entry: RequestEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #diagnoseV4(
    request: AwsReceivedRequest | undefined,
    { errorCode, detail }: AccessLogEntry,
  ): SignatureVerdict | undefined {
    if (request === undefined) return undefined;
    const { secretKey } = this.#credentials.find(awsAccessKeyOf(request) ?? '') ?? {};
    // Without the key there is nothing to compute; the refusal says it all.
    if (secretKey === undefined) return { explanation: `${errorCode}: ${detail}` };
    return this.#verdict(diagnoseAwsSignature({ request }, { secretKey, nowMs: Date.now() }), detail);
  }

  #diagnose(request: ReceivedRequest | undefined, refusal: string | undefined): SignatureVerdict | undefined {
    if (request === undefined) return undefined;
    const [, accessKey = ''] = /Access=([^,\s]+)/.exec(single(request.headers.authorization) ?? '') ?? [];
    const { secretKey = '' } = this.#credentials.find(accessKey) ?? {};
    const diagnosis = diagnoseSignature(
      { request, ...(refusal !== undefined && { refusal }) },
      { secretKey, nowMs: Date.now() },
    );
    return this.#verdict(diagnosis, refusal);
  }

  #verdict({ isRight, explanation, difference }: Diagnosis, refusal: string | undefined): SignatureVerdict {
    // A key that is no longer valid is refused however right its signature is.
    if (isRight && refusal !== undefined) return { explanation: `Refused: ${refusal}.` };
    if (difference === undefined) return { explanation };
    const { line, client, gateway: service } = difference;
    return { explanation, difference: { line: String(line), client, service } };
  }
}

function isShownByConsole(rawUrl: string): boolean {
  // Most queries are long, for their security token, and do not have it.
  return rawUrl.includes(SHOWN_BY_CONSOLE) && new URLSearchParams(rawUrl.split('?')[1]).has(SHOWN_BY_CONSOLE);
}

function mismatch(stringToSign: string): SignatureVerdict {
  return {
    explanation:
      'The signature does not match: compare what the client signs with what OBS signed, line by line. When both are the same, the secret key is another one.',
    expected: stringToSign,
  };
}
