import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FinishInvocation, openFinishInvocation } from '../../shared/installation/finish-settings';
import { functionContext, userData } from './function-context';

export interface CannedAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

/** MPC and OBS at one address that answers what it is told to, and an invocation that calls them. */
export class ServicesDouble {
  /** Method and URL of what came. */
  readonly calls: string[] = [];
  answer: (request: IncomingMessage) => CannedAnswer = () => ({});
  readonly #server: Server = createServer((request, response) => {
    this.calls.push(`${request.method} ${request.url}`);
    request.resume();
    const { status = 200, headers = {}, body = '' } = this.answer(request);
    response.writeHead(status, headers).end(body);
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  invocation(changes: Record<string, string> = {}): FinishInvocation {
    const origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return openFinishInvocation(
      functionContext({ ...userData, MPC_ENDPOINT: origin, OBS_ENDPOINT: origin, ...changes }),
    );
  }
}
