import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Stage } from './videos';

const ICONS = {
  play: 'M7 5l10 7-10 7z',
  sheet: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 12h4M16 12h4',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  upload: 'M12 16V5M7 10l5-5 5 5M5 19h14',
  repeat: 'M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5',
  more: 'M9 6l6 6-6 6',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4',
} as const;

/** A symbol beside a text, hidden from screen readers. */
export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

/** This much of a key's end is always shown. */
const MOST_OF_THE_END = 14;
const letters = new Intl.Segmenter();

/** Where a key is cut when it is too long: in its middle, and never inside a letter. */
function endOf(key: string): number {
  // Segmenting is slow: only the end is segmented.
  const from = Math.max(0, key.length - 4 * MOST_OF_THE_END);
  const starts = [...letters.segment(key.slice(from))].map(({ index }) => from + index);
  return starts[Math.max(starts.length - MOST_OF_THE_END, Math.ceil(starts.length / 2))] ?? key.length;
}

/**
 * A bucket's key or a file's name: it may hold anything and in any direction of writing. Where it is too long it loses
 * its middle, and pointing at it shows it all.
 */
export function Key({ children: key, isWhole = false }: { children: string; isWhole?: boolean }) {
  // A short key has no middle to lose.
  if (isWhole || key.length <= MOST_OF_THE_END) return <bdi class="key">{key}</bdi>;
  const end = endOf(key);
  return (
    <bdi class="key cut" title={key}>
      <span class="key-start">{key.slice(0, end)}</span>
      <span class="key-end">{key.slice(end)}</span>
    </bdi>
  );
}

/** A short state with a colour. */
export function Badge({ kind, children }: { kind: Stage['kind']; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}

/** What stands where there is nothing to show. */
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
  /** Never fails: it reports errors itself. */
  onAct: () => Promise<void>;
  class?: string;
  disabled?: boolean;
  children: ComponentChildren;
}

/** A button that is busy until its action has ended. */
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

/** A row of choices; one is chosen. */
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

/** A field that filters what is shown. */
export function Search({
  label,
  value,
  onInput,
}: {
  label: string;
  value: string;
  onInput: (text: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const find = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof Element && event.target.closest('input, textarea') !== null;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', find);
    return () => removeEventListener('keydown', find);
  }, []);
  return (
    <label class="search" title="Press / to come here">
      <Icon name="search" />
      <input
        ref={input}
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
