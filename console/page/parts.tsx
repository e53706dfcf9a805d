import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatDuration, formatMoment } from './format';
import type { Stage } from './videos';

const ICONS = {
  play: 'M7 5l10 7-10 7z',
  sheet: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 12h4M16 12h4',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  upload: 'M12 16V5M7 10l5-5 5 5M5 19h14',
  repeat: 'M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4',
} as const;

/** A symbol beside a text, silent for screen readers. */
export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

/** A bucket's key or a file's name: it may hold anything and in any direction of writing. */
export function Key({ children }: { children: string }) {
  return <bdi class="key">{children}</bdi>;
}

export function Badge({ kind, children }: { kind: Stage['kind']; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}

export function Moment({ timeMs }: { timeMs: number }) {
  const iso = new Date(timeMs).toISOString();
  return (
    <time class="num" dateTime={iso} title={iso}>
      {formatMoment(timeMs)}
    </time>
  );
}

/** The time now, again and again. */
export function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

/** Counts up for as long as something runs. */
export function Elapsed({ sinceMs }: { sinceMs: number }) {
  return <span class="num">{formatDuration(Math.max(0, useNow(500) - sinceMs))}</span>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** Head of a view. It takes the focus when the view appears, so that keyboards and screen readers follow. */
export function ViewHead({ title, children }: { title: string; children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · mpc-snapshots`;
    if (document.activeElement !== document.body) heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div class="view-head">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </div>
  );
}

interface ActionProps {
  /** Never fails: it says itself what went wrong. */
  onAct: () => Promise<void>;
  class?: string;
  disabled?: boolean;
  children: ComponentChildren;
}

/** A button that waits for what it started. */
export function Action({ onAct, class: className = '', disabled = false, children }: ActionProps) {
  const [isBusy, setBusy] = useState(false);
  const act = (): void => {
    setBusy(true);
    void onAct().finally(() => setBusy(false));
  };
  return (
    <button
      type="button"
      class={`button ${className}`}
      disabled={disabled || isBusy}
      aria-busy={isBusy}
      onClick={act}
    >
      {children}
    </button>
  );
}

export interface Filter<Value extends string> {
  value: Value;
  label: string;
  count?: number;
}

/** A row of choices of which one holds. */
export function Choices<Value extends string>(props: {
  label: string;
  choices: readonly Filter<Value>[];
  chosen: Value;
  onChoose: (value: Value) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a line with other controls in every browser
    <div class="choices" role="group" aria-label={props.label}>
      {props.choices.map(({ value, label, count }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.chosen}
          onClick={() => props.onChoose(value)}
        >
          {label}
          {count !== undefined && <span class="count num">{count}</span>}
        </button>
      ))}
    </div>
  );
}

export function Search({
  label,
  value,
  onInput,
}: {
  label: string;
  value: string;
  onInput: (text: string) => void;
}) {
  return (
    <label class="search">
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}

/**
 * How many entries of a long list are drawn: more whenever its end comes near.
 * Returns the number and what to put at the end.
 */
export function useGrowing(total: number, step: number): { shown: number; end: ComponentChildren } {
  const [limit, setLimit] = useState(step);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && setLimit((old) => old + step),
      { rootMargin: '1500px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [limit, total > limit]);
  const shown = Math.min(limit, total);
  return { shown, end: total > shown ? <div ref={end} class="list-end" /> : undefined };
}
