import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useCallback, useContext, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from './parts';

interface Toast {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

/** Reports the outcome of what a person asked for. */
export interface Reporter {
  report(text: string): void;
  /** Runs it and reports its result, or why it failed. */
  attempt(task: () => Promise<string>): Promise<void>;
}

const GOOD_NEWS_MS = 6000;
const MAX_TOASTS = 3;

const ReporterContext = createContext<Reporter>({ report: () => {}, attempt: async () => {} });
export const useReporter = (): Reporter => useContext(ReporterContext);

/** Shows messages over the page, so that nothing moves. Errors stay until they are dismissed. */
export function Toasts({ children }: { children: ComponentChildren }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const nextId = useRef(1);
  const remove = (id: number): void => setToasts((old) => old.filter((toast) => toast.id !== id));
  const add = useCallback((kind: Toast['kind'], text: string): void => {
    const id = nextId.current++;
    setToasts((old) => [...old, { id, kind, text }].slice(-MAX_TOASTS));
    if (kind === 'good') setTimeout(() => remove(id), GOOD_NEWS_MS);
  }, []);
  const reporter = useMemo<Reporter>(
    () => ({
      report: (text) => add('good', text),
      attempt: (task) =>
        task().then(
          (text) => add('good', text),
          (error: Error) => add('bad', error.message),
        ),
    }),
    [],
  );
  return (
    <ReporterContext.Provider value={reporter}>
      {children}
      <div class="toasts" role="status">
        {toasts.map(({ id, kind, text }) => (
          <div key={id} class={`toast ${kind}`}>
            <span>{text}</span>
            <button type="button" class="button quiet" aria-label="Dismiss" onClick={() => remove(id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
    </ReporterContext.Provider>
  );
}
