import { EventEmitter } from 'node:events';
import type { CloudAnswer, CloudRequest } from './cloud-double';

/** What becomes of a call: an answer, a connection that breaks or is refused, or nothing, ever. */
export type CallEnd = CloudAnswer | 'reset' | 'refused' | 'never';

/** @param connected to be called when the connection stands, before anything can have arrived */
export type Serve = (request: CloudRequest, connected: () => void) => Promise<CallEnd>;

/**
 * What the functions use of `node:http` and `node:https`, without sockets: nothing takes time,
 * and the same calls happen in the same order every time.
 */
export function inMemoryHttp(serve: Serve) {
  return {
    Agent: InMemoryAgent,
    request: (options: InMemoryOptions) => new InMemoryRequest(options, serve),
  };
}

interface InMemoryOptions {
  agent: InMemoryAgent;
  host: string;
  port: number;
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** Keeps no connection after its request, so that what becomes of a call is decided for each one. */
class InMemoryAgent {
  freeSockets = {};
  createConnection: (options: Pick<InMemoryOptions, 'host' | 'port'>) => InMemorySocket = () =>
    new InMemorySocket();
  keepSocketAlive = () => false;
}

class InMemorySocket extends EventEmitter {
  readonly destroyed = false;
  ref = () => this;
  unref = () => this;
  setNoDelay = () => this;
  destroy(): void {}
}

class InMemoryRequest extends EventEmitter {
  readonly #options: InMemoryOptions;
  readonly #serve: Serve;
  #isDestroyed = false;

  constructor(options: InMemoryOptions, serve: Serve) {
    super();
    this.#options = options;
    this.#serve = serve;
  }

  end(body = ''): void {
    void Promise.resolve().then(() => this.#send(body));
  }

  destroy(error: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    void Promise.resolve().then(() => this.emit('error', error));
  }

  async #send(body: string): Promise<void> {
    const { agent, host, port, method, path, headers } = this.#options;
    const socket = agent.createConnection(this.#options);
    this.emit('socket', socket);
    const connected = () => {
      socket.emit('connect');
      socket.emit('secureConnect');
    };
    const end = await this.#serve({ address: `${host}:${port}`, method, path, headers, body }, connected);
    if (this.#isDestroyed || end === 'never') return;
    if (typeof end === 'string') {
      this.#isDestroyed = true;
      this.emit('error', Object.assign(new Error(end), { code: 'ECONNRESET' }));
      return;
    }
    const response = Object.assign(new EventEmitter(), {
      statusCode: end.status,
      headers: end.headers ?? {},
    });
    this.emit('response', response);
    response.emit('data', Buffer.from(end.body));
    if (!this.#isDestroyed) response.emit('end');
  }
}
