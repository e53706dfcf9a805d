import type { ConsoleChange, ConsoleState } from '../../console/server/console-api';
import { until } from '../wait';

/** What a page that is open would know: the state at first, and every change after it. */
export class OpenPage {
  readonly changes: ConsoleChange[] = [];
  #state: ConsoleState | undefined;
  readonly #abort = new AbortController();

  private constructor(private readonly root: string) {}

  /** @param root address of the server, without a slash at the end */
  static async open(root: string, headers: Record<string, string> = {}): Promise<OpenPage> {
    const page = new OpenPage(root);
    const response = await fetch(`${root}/_console/events`, { headers, signal: page.#abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    page.#read(response.body as unknown as AsyncIterable<Uint8Array>).catch(() => {});
    await until(() => page.#state, { what: 'the state' });
    return page;
  }

  get state(): ConsoleState {
    return this.#state!;
  }

  /** Everything that was sent of one list, the latest last. */
  sent<Name extends 'uploads' | 'tasks' | 'events' | 'invocations' | 'requests' | 'notices' | 'mpcCalls'>(
    list: Name,
  ): ConsoleState[Name][number][] {
    const all = [this.state, ...this.changes].flatMap((sent) => [...(sent[list] ?? [])].reverse());
    return all as ConsoleState[Name][number][];
  }

  post<T = Record<string, unknown>>(name: string, body: unknown, headers: Record<string, string> = {}) {
    return fetch(`${this.root}/_console/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.root, ...headers },
      body: JSON.stringify(body),
    }).then(async (response) => ({ status: response.status, body: (await response.json()) as T }));
  }

  async get<T>(name: string): Promise<T> {
    const response = await fetch(`${this.root}/_console/${name}`);
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const [, event, data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(message) ?? [];
        if (event === 'state') this.#state = JSON.parse(data);
        if (event === 'change') this.changes.push(JSON.parse(data));
      }
    }
  }
}
