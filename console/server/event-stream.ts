import type { ServerResponse } from 'node:http';
import type { ConsoleChange, ConsoleState } from './console-api';

/** Proxies and browsers close silent connections, and so does the page. */
const KEEP_ALIVE_MS = 15_000;
/** A page that reads more slowly than things change starts again instead of falling behind for ever. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** The source of the stream. */
export interface Streamed {
  state(): Promise<ConsoleState>;
  /** Listens to changes; returns how to stop. */
  onChange(listener: (change: ConsoleChange) => void): () => void;
}

/**
 * Sends the state and then every change as Server-Sent Events, until the other side goes away or cannot follow.
 * @throws what reading the state throws, before anything is sent
 */
export async function streamEvents(streamed: Streamed, response: ServerResponse): Promise<void> {
  const early: ConsoleChange[] = [];
  let send = (change: ConsoleChange): void => void early.push(change);
  // Listens before it reads the state: a change in between is sent twice rather than never.
  response.once(
    'close',
    streamed.onChange((change) => send(change)),
  );
  const state = await streamed.state();
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const write = (text: string): void => {
    response.write(text);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  write(message('state', state));
  send = (change) => write(message('change', change));
  for (const change of early) send(change);
  const keepAlive = setInterval(() => write('event: alive\ndata:\n\n'), KEEP_ALIVE_MS).unref();
  response.once('close', () => clearInterval(keepAlive));
}

function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
