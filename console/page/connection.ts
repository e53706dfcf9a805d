import { useEffect, useState } from 'preact/hooks';
import type { ConsoleChange, ConsoleState } from '../server/console-api';
import { applyChange } from './apply-change';

export interface Connection {
  status: 'connecting' | 'live' | 'lost';
  /** What was known last; stays while the connection is lost. */
  state: ConsoleState | undefined;
}

const RECONNECT_AFTER_MS = 1000;

/** Everything that the server pushes, put together. Connects again by itself for as long as the page is open. */
export function useConnection(): Connection {
  const [connection, setConnection] = useState<Connection>({ status: 'connecting', state: undefined });
  useEffect(() => {
    let events: EventSource;
    let timer: ReturnType<typeof setTimeout>;
    const connect = (): void => {
      events = new EventSource('events');
      events.addEventListener('state', ({ data }) =>
        setConnection({ status: 'live', state: JSON.parse(data) as ConsoleState }),
      );
      events.addEventListener('change', ({ data }) => {
        const change = JSON.parse(data) as ConsoleChange;
        setConnection(({ state }) => ({ status: 'live', state: state && applyChange(state, change) }));
      });
      events.addEventListener('error', () => {
        setConnection(({ state }) => ({ status: 'lost', state }));
        // A browser tries again by itself after a lost connection, but not after an answer that is no stream.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(connect, RECONNECT_AFTER_MS);
      });
    };
    connect();
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }, []);
  return connection;
}
