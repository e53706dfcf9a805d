import { useEffect, useState } from 'preact/hooks';

export interface Fetched<Value> {
  value: Value | undefined;
  /** Why it could not be fetched. */
  problem: string | undefined;
}

/**
 * Fetches something, and again whenever `version` changes; what was there stays until the new one has come.
 * Another `name` is another thing: then nothing of the old one stays.
 */
export function useFetched<Value>(
  name: string,
  version: unknown,
  load: () => Promise<Value>,
): Fetched<Value> {
  const [fetched, setFetched] = useState<Fetched<Value> & { name: string }>();
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (value) => isCurrent && setFetched({ name, value, problem: undefined }),
      (error: Error) =>
        isCurrent && setFetched((old) => ({ name, value: old?.value, problem: error.message })),
    );
    return () => {
      isCurrent = false;
    };
  }, [name, version]);
  return fetched?.name === name ? fetched : { value: undefined, problem: undefined };
}
