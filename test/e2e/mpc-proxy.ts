import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { closeServer, listen, readBody } from '../../local/http-server';

/** What happens to one call on its way to MPC and back. */
export type Fate = 'pass' | 'lost-before' | 'lost-after' | 500 | '500-after' | 429;

/** Stands between the functions and MPC and decides what becomes of each create call. */
export class MpcProxy {
  /** The fates of the next create calls, in order; all others pass. */
  readonly fates: Fate[] = [];
  creates = 0;
  readonly #server: Server;
  #target = '';

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async start(): Promise<{ proxy: MpcProxy; address: string }> {
    const proxy = new MpcProxy();
    const port = await listen(proxy.#server, 0);
    return { proxy, address: `http://127.0.0.1:${port}` };
  }

  /** Where MPC itself listens. */
  forwardTo(address: string): void {
    this.#target = address;
  }

  stop(): Promise<void> {
    return closeServer(this.#server);
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readBody(incoming, 1_000_000);
    if (incoming.method === 'POST') this.creates++;
    const fate = incoming.method === 'POST' ? (this.fates.shift() ?? 'pass') : 'pass';
    if (fate === 'lost-before') return void outgoing.destroy();
    if (fate === 500 || fate === 429) return void outgoing.writeHead(fate).end('{}');
    const { status, text } = await this.#forward(incoming, body);
    if (fate === 'lost-after') return void outgoing.destroy();
    if (fate === '500-after') return void outgoing.writeHead(500).end('{}');
    outgoing.writeHead(status).end(text);
  }

  /** The host header goes on as it is: it is signed. */
  #forward(incoming: IncomingMessage, body: Buffer): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = incoming;
      const sent = request(`${this.#target}${url}`, { method, headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
