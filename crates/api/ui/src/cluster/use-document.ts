// A document of the daemon, read when it is first needed and again at times.

import { useEffect, useState } from 'preact/hooks';
import { read, Refusal } from './request';

export type Document<T> =
  | { state: 'loading'; value: null; problem: null }
  | { state: 'known'; value: T; problem: null }
  | { state: 'failed'; value: T | null; problem: Refusal };

interface Options {
  /** False while it is not needed yet. */
  wanted?: boolean;
  /** Read again when this changes. */
  version?: unknown;
  everyMs?: number;
}

/** Reads `path`. What was read stays while it is read again; a failure keeps the last value beside its reason. */
export function useDocument<T>(path: string, query: Record<string, string | null>, options: Options = {}): Document<T> {
  const { wanted = true, version, everyMs } = options;
  const [document, setDocument] = useState<Document<T>>({ state: 'loading', value: null, problem: null });
  const [again, setAgain] = useState(0);
  const address = `${path}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, value ?? '']))}`;
  useEffect(() => setDocument({ state: 'loading', value: null, problem: null }), [address]);
  useEffect(() => {
    if (!wanted) return undefined;
    const control = new AbortController();
    read<T>(path, query, control.signal).then(
      (value) => setDocument({ state: 'known', value, problem: null }),
      (error: unknown) => {
        if (control.signal.aborted) return;
        const problem = error instanceof Refusal ? error : new Refusal(String(error), null);
        setDocument((old) => ({ state: 'failed', value: old.value, problem }));
      },
    );
    return () => control.abort();
  }, [address, wanted, version, again]);
  useEffect(() => {
    if (everyMs == null || !wanted) return undefined;
    const timer = setInterval(() => setAgain((number) => number + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, wanted]);
  return document;
}
