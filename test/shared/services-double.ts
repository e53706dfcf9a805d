import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FinishInvocation, openFinishInvocation } from '../../shared/installation/finish-settings';
import type { CloudDouble } from '../model/cloud-double';
import { functionContext, userData } from './function-context';

export interface CannedAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

/** MPC and OBS at one address with the answers of the test, and an invocation that calls them. */
export class ServicesDouble {
  /** Method and URL of what came. */
  readonly calls: string[] = [];
  answer: (request: IncomingMessage, body: string) => CannedAnswer = () => ({});
  readonly #server: Server = createServer(async (request, response) => {
    this.calls.push(`${request.method} ${request.url}`);
    const sent = (await request.toArray()).join('');
    const { status = 200, headers = {}, body = '' } = this.answer(request, sent);
    response.writeHead(status, headers).end(body);
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** From now on a cloud in memory answers. @param more is added to the query of each call */
  serve(cloud: CloudDouble, more = ''): void {
    this.answer = ({ method = '', url = '', headers }, body) =>
      cloud.handle({ method, path: url + more, headers: headers as Record<string, string>, body });
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
