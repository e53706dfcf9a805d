import { createHash, createHmac } from 'node:crypto';
import { obsAddress } from '../shared/signing';
import { CallFailed, type CloudApi } from './cloud-api';

/** A call to OBS. Every call of setup can be repeated without harm. */
export interface ObsCall {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Absent for calls to the service itself. */
  bucket?: string;
  /** For example `lifecycle`. */
  subResource?: string;
  query?: Readonly<Record<string, string>>;
  body?: string;
}

export interface ObsAnswer {
  status: number;
  headers: Headers;
  text: string;
}

const TRIES = 5;
const PAUSE_MS = 400;
const TIMEOUT_MS = 30_000;

/** Calls to OBS, signed in the header (OBS API reference, "Authentication of a signature in a header"). */
export class ObsClient {
  constructor(private readonly cloud: CloudApi) {}

  /** Makes a call; repeats it after 5xx and broken connections. @throws CallFailed */
  async call(request: ObsCall): Promise<ObsAnswer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#send(request);
      } catch (error) {
        if (!(error instanceof CallFailed) || tries === TRIES || !isWorthAnotherTry(error)) throw error;
        await this.cloud.pause(PAUSE_MS * 2 ** (tries - 1));
      }
    }
  }

  async #send({ method, bucket, subResource, query = {}, body = '' }: ObsCall): Promise<ObsAnswer> {
    const { region, credentials, endpoints } = this.cloud.connection;
    const { accessKey, secretKey, securityToken } = credentials;
    const endpoint = endpoints.obs ?? `https://obs.${region}.myhuaweicloud.com`;
    const { origin, pathPrefix } =
      bucket === undefined ? { origin: endpoint, pathPrefix: '' } : obsAddress(endpoint, bucket);
    const hasBody = body !== '';
    const contentMd5 = hasBody ? createHash('md5').update(body).digest('base64') : '';
    const contentType = hasBody ? 'application/xml' : '';
    const signed: Record<string, string> = {
      'x-obs-date': new Date().toUTCString(),
      ...(securityToken && { 'x-obs-security-token': securityToken }),
    };
    const signedLines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`);
    const resource = `/${bucket === undefined ? '' : `${bucket}/`}${subResource === undefined ? '' : `?${subResource}`}`;
    // The Date line is empty because x-obs-date is signed instead.
    const toSign = `${method}\n${contentMd5}\n${contentType}\n\n${signedLines.join('')}${resource}`;
    const signature = createHmac('sha1', secretKey).update(toSign).digest('base64');
    const parameters = [
      ...(subResource === undefined ? [] : [subResource]),
      ...Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`),
    ];
    const search = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
    const what = `${method} ${bucket ?? 'buckets'}${subResource === undefined ? '' : `?${subResource}`}`;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${origin}${pathPrefix}/${search}`, {
        method,
        headers: {
          ...signed,
          authorization: `OBS ${accessKey}:${signature}`,
          ...(hasBody && { 'content-md5': contentMd5, 'content-type': contentType }),
        },
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(hasBody && { body }),
      });
      text = await response.text();
    } catch (error) {
      const { name, cause } = error as Error & { cause?: { code?: string } };
      const code = cause?.code ?? name;
      throw new CallFailed(0, code, `${what}: no answer (${code}) from ${origin}`, true);
    }
    const { status, headers } = response;
    if (response.ok) return { status, headers, text };
    const code = headers.get('x-obs-error-code') ?? elementOf(text, 'Code') ?? '';
    const message = elementOf(text, 'Message') ?? '';
    const failure = `${what}: ${status} ${code} ${message}`.trim();
    throw new CallFailed(status, code, failure, status >= 500, 'obs');
  }
}

function isWorthAnotherTry({ status, code }: CallFailed): boolean {
  return (status === 0 && code !== 'ENOTFOUND') || status === 429 || status >= 500;
}

/** The text of the first element with this name; undefined when there is none. */
export function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
