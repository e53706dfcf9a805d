import { useCallback, useRef, useState } from 'preact/hooks';
import { requestUploadUrl } from './api';

/** A file on its way to OBS. */
export interface Transfer {
  id: number;
  name: string;
  sizeBytes: number;
  /** Set once its address is known. */
  key?: string;
  /** From 0 to 1. */
  share: number;
  state: 'queued' | 'sending' | 'sent' | 'failed';
  problem?: string;
}

export interface Transfers {
  list: readonly Transfer[];
  add(files: Iterable<File>): void;
  /** Stops a running transfer, or removes a failed one from the list. */
  remove(id: number): void;
}

const PARALLEL_TRANSFERS = 3;

/** Sends files straight to OBS, by addresses that the console signs. */
export function useTransfers(): Transfers {
  const [list, setList] = useState<readonly Transfer[]>([]);
  const queue = useRef<{ id: number; file: File }[]>([]);
  const stops = useRef(new Map<number, () => void>());
  const nextId = useRef(1);

  const update = (id: number, change: Partial<Transfer>): void =>
    setList((transfers) =>
      transfers.map((transfer) => (transfer.id === id ? { ...transfer, ...change } : transfer)),
    );

  const startNext = useCallback((): void => {
    if (stops.current.size >= PARALLEL_TRANSFERS) return;
    const next = queue.current.shift();
    if (next === undefined) return;
    const { id, file } = next;
    const stop = new AbortController();
    stops.current.set(id, () => stop.abort());
    update(id, { state: 'sending' });
    sendFile(file, {
      signal: stop.signal,
      onKey: (key) => update(id, { key }),
      onProgress: (share) => update(id, { share }),
    })
      .then(() => update(id, { state: 'sent', share: 1 }))
      .catch((error: Error) => update(id, { state: 'failed', problem: error.message }))
      .finally(() => {
        stops.current.delete(id);
        startNext();
      });
    startNext();
  }, []);

  const add = useCallback((files: Iterable<File>): void => {
    const added = [...files].map((file) => ({ id: nextId.current++, file }));
    queue.current.push(...added);
    setList((transfers) => [
      ...added.map(({ id, file }): Transfer => {
        return { id, name: file.name, sizeBytes: file.size, share: 0, state: 'queued' };
      }),
      ...transfers,
    ]);
    startNext();
  }, []);

  const remove = useCallback((id: number): void => {
    queue.current = queue.current.filter((waiting) => waiting.id !== id);
    stops.current.get(id)?.();
    setList((transfers) => transfers.filter((transfer) => transfer.id !== id));
  }, []);

  return { list, add, remove };
}

interface SendOptions {
  signal: AbortSignal;
  onKey: (key: string) => void;
  onProgress: (share: number) => void;
}

async function sendFile(file: File, { signal, onKey, onProgress }: SendOptions): Promise<void> {
  const { key, url } = await requestUploadUrl({ name: file.name });
  signal.throwIfAborted();
  onKey(key);
  await new Promise<void>((resolve, reject) => {
    // fetch() reports no progress of uploads.
    const request = new XMLHttpRequest();
    signal.addEventListener('abort', () => request.abort());
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onload = () =>
      request.status < 300
        ? resolve()
        : reject(new Error(`OBS refused the file with status ${request.status}.`));
    request.onerror = () => reject(new Error('OBS cannot be reached, or the connection broke.'));
    request.onabort = () => reject(new Error('Stopped.'));
    request.open('PUT', url);
    // The signature of the address covers no type.
    request.send(new Blob([file]));
  });
}
