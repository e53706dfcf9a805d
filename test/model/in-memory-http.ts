import { EventEmitter } from 'node:events';
import type { RequestOptions } from 'node:http';
import type { CloudAnswer, CloudRequest } from './cloud-double';

/** What becomes of a call: an answer, a connection that breaks or is refused, or nothing, ever. */
export type CallEnd = CloudAnswer | 'reset' | 'refused' | 'never';

/** @param connected to be called when the connection stands, before anything can have arrived */
export type Serve = (request: CloudRequest, connected: () => void) => Promise<CallEnd>;

/**
 * What the functions use of `node:http`, without sockets: nothing takes time, and the same calls happen in the same order every
 * time.
 */
export function inMemoryHttp(serve: Serve) {
  return {
    Agent: class {
      freeSockets = {};
    },
    request: (options: RequestOptions) => new InMemoryRequest(options, serve),
  };
}

class InMemoryRequest extends EventEmitter {
  readonly reusedSocket = false;
  readonly socket = new EventEmitter();
  readonly #options: RequestOptions;
  readonly #serve: Serve;
  #isDestroyed = false;

  constructor(options: RequestOptions, serve: Serve) {
    super();
    this.#options = options;
    this.#serve = serve;
  }

  end(body = ''): void {
    queueMicrotask(() => void this.#send(body));
  }

  destroy(error: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    queueMicrotask(() => this.emit('error', error));
  }

  async #send(body: string): Promise<void> {
    this.emit('socket', this.socket);
    const { method = 'GET', path, headers } = this.#options;
    const request = {
      method,
      path: path ?? '/',
      headers: headers as unknown as Record<string, string>,
      body,
    };
    const end = await this.#serve(request, () => this.socket.emit('connect'));
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
    response.emit('end');
  }
}
