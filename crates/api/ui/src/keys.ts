// Keys: `/` filters, `g a` goes to the alerts, `g f` to the findings, `g m` to the members.

import { useEffect } from 'preact/hooks';

const CHORD_MS = 1200;
const PLACES: Record<string, string> = { a: 'alerts', f: 'findings', m: 'members', v: 'verdict' };

/** Listens for the page's keys as long as the caller is shown. */
export function useKeys(): void {
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '/') {
        event.preventDefault();
        document.getElementById('filter')?.focus();
      } else if (event.key === 'g') {
        chordUntil = performance.now() + CHORD_MS;
      } else if (performance.now() < chordUntil) {
        chordUntil = 0;
        goTo(PLACES[event.key]);
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

/** Moves focus to the section with `id`. */
function goTo(id: string | undefined): void {
  const section = id == null ? null : document.getElementById(id);
  section?.focus({ preventScroll: true });
  section?.scrollIntoView({ block: 'start' });
}
