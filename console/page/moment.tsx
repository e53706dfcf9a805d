import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { formatDuration, formatMoment, formatRelative } from './format';

/** Whether times are shown exactly instead of relative to now. */
export const ExactTimes = createContext(false);

/** One clock for all times on the page. */
const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, 1000);

/** A text that changes with time. It is drawn again only when it changes. */
function useTimeText(textAt: (nowMs: number) => string): string {
  const [, setText] = useState('');
  useEffect(() => {
    const look = (): void => setText(textAt(Date.now()));
    listeners.add(look);
    return () => void listeners.delete(look);
  });
  return textAt(Date.now());
}

/** When something was or will be: relative, and exact on pointing at it or for the whole page. */
export function Moment({ timeMs, isExact = false }: { timeMs: number; isExact?: boolean }) {
  const isAlwaysExact = useContext(ExactTimes) || isExact;
  const exact = formatMoment(timeMs);
  const text = useTimeText((nowMs) => (isAlwaysExact ? exact : formatRelative(timeMs, nowMs)));
  const iso = new Date(timeMs).toISOString();
  return (
    <time class="num" dateTime={iso} title={isAlwaysExact ? iso : `${exact} (${iso})`}>
      {text}
    </time>
  );
}

/** Counts up for as long as something runs. */
export function Elapsed({ sinceMs }: { sinceMs: number }) {
  return <span class="num">{useTimeText((nowMs) => formatDuration(Math.max(0, nowMs - sinceMs)))}</span>;
}

/** The time now, every so often. */
export function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
