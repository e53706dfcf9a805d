import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { closeServer, listen, readBody } from '../../local/http-server';

/** What a request to MPC or OBS carried that nobody else may see. */
export interface Carried {
  /** As it was sent, with host. */
  url: string;
  authorization: string;
  signature: string;
  token: string;
}

export interface RelayAnswer {
  status: number;
  body: string;
}

/**
 * Stands between the functions and MPC and OBS. It lets requests through or
 * answers in their place, and remembers what they carried.
 */
export class QuotingRelay {
  readonly carried: Carried[] = [];
  /** Answers in place of the service; undefined lets the request through. */
  answer: ((service: 'MPC' | 'OBS', carried: Carried) => RelayAnswer | undefined) | undefined;
  readonly #server: Server;
  #targets = { MPC: '', OBS: '' };

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming).then(
        ({ status, body }) => outgoing.writeHead(status).end(body),
        () => outgoing.destroy(),
      );
    });
  }

  static async start(targets: {
    mpc: string;
    obs: string;
  }): Promise<{ relay: QuotingRelay; address: string }> {
    const relay = new QuotingRelay();
    relay.#targets = { MPC: targets.mpc, OBS: targets.obs };
    return { relay, address: `http://127.0.0.1:${await listen(relay.#server, 0)}` };
  }

  stop(): Promise<void> {
    return closeServer(this.#server);
  }

  async #handle(incoming: IncomingMessage): Promise<RelayAnswer> {
    const body = await readBody(incoming, 1_000_000);
    const service = incoming.url?.startsWith('/v1/') ? 'MPC' : 'OBS';
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const parameters = new URL(url).searchParams;
    const authorization = incoming.headers.authorization ?? '';
    const carried: Carried = {
      url,
      authorization,
      signature: parameters.get('Signature') ?? /Signature=(\w+)/.exec(authorization)?.[1] ?? '',
      token: parameters.get('x-obs-security-token') ?? String(incoming.headers['x-security-token']),
    };
    this.carried.push(carried);
    return this.answer?.(service, carried) ?? this.#forward(this.#targets[service], incoming, body);
  }

  /** The host header goes on as it is: it is signed. */
  #forward(target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<RelayAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(`${target}${url}`, { method, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
