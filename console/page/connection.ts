import { useEffect, useState } from 'preact/hooks';
import type { ConsoleChange, ConsoleState } from '../server/console-api';
import { applyChange } from './apply-change';

export interface Connection {
  status: 'connecting' | 'live' | 'lost';
  /** The last known state; it stays while the connection is lost. */
  state: ConsoleState | undefined;
}

const RECONNECT_AFTER_MS = 1000;
/** The server sends a sign of life every 15 s: a connection that is silent for longer is lost. */
const SILENT_FOR_MS = 40_000;

/**
 * The state, kept up to date by what the server pushes. Reconnects by itself while the page is open. Each connection
 * begins with the whole state, so that nothing that happened in between is missing.
 */
export function useConnection(): Connection {
  const [connection, setConnection] = useState<Connection>({ status: 'connecting', state: undefined });
  useEffect(() => {
    let events: EventSource;
    let timer: ReturnType<typeof setTimeout>;
    let watchdog: ReturnType<typeof setTimeout>;
    const heard = (): void => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        setConnection(({ state }) => ({ status: 'lost', state }));
        events.close();
        connect();
      }, SILENT_FOR_MS);
    };
    const connect = (): void => {
      heard();
      events = new EventSource('events');
      events.addEventListener('alive', heard);
      events.addEventListener('state', ({ data }) => {
        heard();
        setConnection({ status: 'live', state: JSON.parse(data) as ConsoleState });
      });
      events.addEventListener('change', ({ data }) => {
        heard();
        const change = JSON.parse(data) as ConsoleChange;
        setConnection(({ state }) => ({ status: 'live', state: state && applyChange(state, change) }));
      });
      events.addEventListener('error', () => {
        setConnection(({ state }) => ({ status: 'lost', state }));
        // A browser reconnects by itself after a lost connection, but not after an answer that is no stream.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(connect, RECONNECT_AFTER_MS);
      });
    };
    connect();
    return () => {
      clearTimeout(timer);
      clearTimeout(watchdog);
      events.close();
    };
  }, []);
  return connection;
}
