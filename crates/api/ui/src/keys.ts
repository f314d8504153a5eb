// Keys of the page. Those with Ctrl, Alt or Meta are the browser's.

import { useEffect, useRef } from 'preact/hooks';
import type { Address } from './address';
import { ALERTS, BENCHMARKS, FLEET, INCIDENTS } from './address';
import { go } from './navigation';

const CHORD_MS = 1200;
const VIEWS: Record<string, Address> = { f: FLEET, a: ALERTS, i: INCIDENTS, b: BENCHMARKS };
const SECTIONS: Record<string, string> = { m: 'members', v: 'verdict' };

/** The keys and what they do, for people. */
export const KEYS: [string, string][] = [
  ['/', 'search, or filter what is shown'],
  ['g f', 'go to the fleet'],
  ['g a', 'go to the alerts'],
  ['g i', 'go to the incidents'],
  ['g b', 'go to the benchmarks'],
  ['g v', 'go to the verdict of the cluster'],
  ['g m', 'go to the members of the cluster'],
  ['↑ ↓', 'move in the table'],
  ['Enter', 'open what has the focus'],
  ['Esc', 'leave the search, or close a dialog'],
  ['?', 'show these keys'],
];

/** Listens for the page's keys as long as the caller is shown. */
export function useKeys(onHelp: () => void): void {
  const help = useRef(onHelp);
  help.current = onHelp;
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
      const inChord = performance.now() < chordUntil;
      chordUntil = event.key === 'g' ? performance.now() + CHORD_MS : 0;
      if (event.key === '/') search(event);
      else if (event.key === '?') help.current();
      else if (inChord) goTo(event.key);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** Whether somebody types, or a dialog has the page. */
function isBusy(target: EventTarget | null): boolean {
  const types = [HTMLInputElement, HTMLSelectElement, HTMLTextAreaElement];
  return types.some((type) => target instanceof type) || document.querySelector('dialog[open]') != null;
}

function search(event: KeyboardEvent): void {
  event.preventDefault();
  document.getElementById('filter')?.focus();
}

function goTo(key: string): void {
  const view = VIEWS[key];
  if (view != null) go(view);
  const section = document.getElementById(SECTIONS[key] ?? '');
  section?.focus({ preventScroll: true });
  section?.scrollIntoView({ block: 'start' });
}
