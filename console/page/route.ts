import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The filters of a view, by name. */
export type Filter = Readonly<Record<string, string>>;

/** What the address shows: `#/videos/<id>?show=open` is the view `videos`, the selection `<id>` and a filter. */
export interface Route {
  view: string;
  selected: string | undefined;
  filter: Filter;
}

const DEFAULT_VIEW = 'videos';
/** Typing makes one address, not one for each letter: browsers allow a hundred changes in half a minute. */
const WRITE_TEXT_AFTER_MS = 250;

/** The address of a view; filters without a value are left out. */
export function linkTo(view: string, selected?: string, filter: Filter = {}): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== '')).toString();
  const path = selected === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(selected)}`;
  return query === '' ? path : `${path}?${query}`;
}

/** What an address names, or the first view if it names none. */
export function routeOf(hash: string): Route {
  const [, view = DEFAULT_VIEW, selected, query = ''] =
    /^#\/([\w-]+)(?:\/([^?]+))?(?:\?(.*))?$/s.exec(hash) ?? [];
  return {
    view,
    selected: selected === undefined ? undefined : decode(selected),
    filter: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** The current route; the component is drawn again when it changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    // The address may have changed since the first drawing.
    follow();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}

/** Opens a place, so that *back* leads here again. */
export function goTo(address: string): void {
  location.hash = address;
}

/** One choice of the current view, kept in the address. An empty value is the default. */
export function useChoice<Value extends string>(
  name: string,
  fallback: Value,
): [Value, (value: Value) => void] {
  const { filter } = useRoute();
  const choose = (value: Value): void => {
    const { view, selected, filter: old } = routeOf(location.hash);
    goTo(linkTo(view, selected, { ...old, [name]: value === fallback ? '' : value }));
  };
  return [(filter[name] as Value | undefined) ?? fallback, choose];
}

/** The search text. It changes at once, and a moment later in the address too. */
export function useSearchText(): [string, (text: string) => void] {
  const inAddress = useRoute().filter.q ?? '';
  const [text, setText] = useState(inAddress);
  const written = useRef(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    // Back, or a link.
    if (inAddress === written.current) return;
    written.current = inAddress;
    setText(inAddress);
  }, [inAddress]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = useCallback((wanted: string): void => {
    setText(wanted);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const { view, selected, filter } = routeOf(location.hash);
      written.current = wanted;
      history.replaceState(history.state, '', linkTo(view, selected, { ...filter, q: wanted }));
      dispatchEvent(new Event('hashchange'));
    }, WRITE_TEXT_AFTER_MS);
  }, []);
  return [text, change];
}

/** Matches texts that hold every word of a search, in any order. An empty search matches all. */
export function fits(text: string): (candidate: string) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (candidate) => {
    const lower = candidate.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}

/** Starts each place at its top; *back* restores where it was left. */
export function useScrollMemory(place: string): void {
  const positions = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    scrollTo(0, positions.current.get(place) ?? 0);
    const remember = (): void => void positions.current.set(place, scrollY);
    addEventListener('scroll', remember);
    return () => removeEventListener('scroll', remember);
  }, [place]);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
