// The moment under the pointer, shared by every chart, legend and the time line.

import { useEffect, useState } from 'preact/hooks';

type Listener = (at: number | null) => void;

const listeners = new Set<Listener>();
let current: number | null = null;

/** Moves the crosshair to `at` (unix seconds); null takes it away. */
export function pointAt(at: number | null): void {
  if (at === current) return;
  current = at;
  for (const listener of listeners) listener(at);
}

/** Calls `listener` at every move, until the returned function is called. */
export function onPointer(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The moment under the pointer; null while it is on no chart. */
export function usePointer(): number | null {
  const [at, setAt] = useState(current);
  useEffect(() => onPointer(setAt), []);
  return at;
}
