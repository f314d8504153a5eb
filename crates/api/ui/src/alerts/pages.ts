// Lists that come page by page.

import { useEffect, useRef, useState } from 'preact/hooks';
import { inWords } from '../rest';

/** One page, and what asks for the next; null where there is none. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Pages<T> {
  /** Null until the first page came. */
  items: T[] | null;
  problem: string | null;
  busy: boolean;
  /** Asks for more; null where there is no more. */
  more: (() => void) | null;
}

/** Loads the first page at once and when `key` changes; `load` is asked with what the page before named. */
export function usePages<T>(key: string, load: (after: string | null) => Promise<Page<T>>): Pages<T> {
  const [page, setPage] = useState<Page<T> | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const round = useRef(0);
  const ask = async (after: string | null, before: T[]) => {
    const mine = (round.current += 1);
    setBusy(true);
    const [answer, failure] = await load(after).then((got) => [got, null] as const, (error: unknown) => [null, inWords(error)] as const);
    if (mine !== round.current) return;
    setBusy(false);
    setProblem(failure);
    if (answer != null) setPage({ items: [...before, ...answer.items], next: answer.next });
  };
  useEffect(() => void ask(null, []), [key]);
  const next = page?.next ?? null;
  const more = next == null ? null : () => void ask(next, page?.items ?? []);
  return { items: page?.items ?? null, problem, busy, more };
}
