import type { GatewayRequestEntry } from '../../../local/apig/server';
import type { ManagementRequest } from '../../../local/functiongraph/server';
import { type ReceivedRequest, single } from '../../../local/iam/canonical-request';
import type { Credentials } from '../../../local/iam/credentials';
import { diagnoseSignature } from '../../../local/iam/signature-doctor';
import type { MpcRequestEntry } from '../../../local/mpc/server';
import type { ObsLogEntry } from '../../../local/obs/server';
import { LIMITS, type RequestEntry, type SignatureVerdict } from '../../server/console-api';
import { Recent } from '../../server/recent';

/**
 * Query parameter that OBS does not know and no signature covers: it marks what the console itself shows. Left in the
 * log, the page's own pictures would push out everything that a person looks for there.
 */
export const SHOWN_BY_CONSOLE = 'x-console';

/** The last requests to the four services; of those refused for their signature, why. */
export class RequestLog {
  readonly #entries = new Recent<RequestEntry>(LIMITS.requests);
  readonly #credentials: Credentials;
  readonly #listeners = new Set<(entry: RequestEntry) => void>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  readonly obs = (entry: ObsLogEntry): void => {
    const { bucket, key, query, method, status, errorCode, detail, stringToSign, durationMs, requestId } =
      entry;
    if (query?.has(SHOWN_BY_CONSOLE)) return;
    const path = `/${[bucket, key].filter((part) => part !== undefined).join('/')}`;
    const signature = stringToSign === undefined ? undefined : mismatch(stringToSign);
    this.#add({ service: 'OBS', method, path, status, durationMs }, requestId, {
      errorCode,
      detail,
      signature,
    });
  };

  readonly mpc = (entry: MpcRequestEntry): void => {
    const { method, path, status, errorCode, detail, durationMs, requestId, unproven } = entry;
    this.#add({ service: 'MPC', method, path, status, durationMs }, requestId, {
      errorCode,
      detail,
      signature: this.#diagnose(unproven, detail),
    });
  };

  readonly functiongraph = (entry: ManagementRequest): void => {
    const { method, path, status, errorCode, detail, durationMs, requestId, unproven } = entry;
    this.#add({ service: 'FunctionGraph', method, path, status, durationMs }, requestId, {
      errorCode,
      detail,
      signature: this.#diagnose(unproven, detail),
    });
  };

  readonly gateway = (entry: GatewayRequestEntry): void => {
    const { method, path, status, errorCode, detail, durationMs, requestId, invocationId, unproven } = entry;
    this.#add({ service: 'API Gateway', method, path, status, durationMs }, requestId, {
      errorCode,
      detail,
      invocationId,
      signature: this.#diagnose(unproven, detail),
    });
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

  #add(
    request: Omit<RequestEntry, 'id' | 'timeMs'>,
    id: string,
    more: { [Name in keyof RequestEntry]?: RequestEntry[Name] | undefined },
  ): void {
    const known = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
    const entry: RequestEntry = {
      ...request,
      id,
      timeMs: Math.round(Date.now() - request.durationMs),
      ...known,
    };
    this.#entries.set(id, entry);
    for (const listener of this.#listeners) listener(entry);
  }

  #diagnose(request: ReceivedRequest | undefined, refusal: string | undefined): SignatureVerdict | undefined {
    if (request === undefined) return undefined;
    const [, accessKey = ''] = /Access=([^,\s]+)/.exec(single(request.headers.authorization) ?? '') ?? [];
    const { secretKey = '' } = this.#credentials.find(accessKey) ?? {};
    const { isRight, explanation, difference } = diagnoseSignature(
      { request, ...(refusal !== undefined && { refusal }) },
      { secretKey, nowMs: Date.now() },
    );
    // A key that is no longer valid is refused however right its signature is.
    if (isRight && refusal !== undefined) return { explanation: `Refused: ${refusal}.` };
    if (difference === undefined) return { explanation };
    const { line, client, gateway: service } = difference;
    return { explanation, difference: { line: String(line), client, service } };
  }
}

function mismatch(stringToSign: string): SignatureVerdict {
  return {
    explanation:
      'The signature does not match: compare what the client signs with what OBS signed, line by line. When both are the same, the secret key is another one.',
    expected: stringToSign,
  };
}
