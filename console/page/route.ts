import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** What the address shows: `#/videos/<id>` is the view `videos` with the selection `<id>`. */
export interface Route {
  view: string;
  selected: string | undefined;
}

export function linkTo(view: string, selected?: string): string {
  return selected === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(selected)}`;
}

export function useRoute(defaultView: string): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const [, view = defaultView, selected] = /^#\/([\w-]+)(?:\/(.+))?$/.exec(hash) ?? [];
  return { view, selected: selected === undefined ? undefined : decode(selected) };
}

/** Begins each place at its top, and goes on where it was left when a person comes back. */
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
