// A button that copies a text, so that nobody retypes an id, an endpoint or a command.

import { useEffect, useState } from 'preact/hooks';
import { announce } from './announce';

const SHOWN_MS = 1600;

/** Copies `text`; `what` names it for screen readers ("endpoint of m1"). */
export function Copy({ text, what, label }: { text: string; what: string; label?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (outcome == null) return undefined;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    const next = (await toClipboard(text)) ? 'copied' : 'failed';
    setOutcome(next);
    announce(`${what} ${next === 'copied' ? 'copied' : 'could not be copied'}`);
  };
  return (
    <button type="button" class="copy" title={`Copy ${what}`} onClick={copy} data-outcome={outcome}>
      <CopyIcon done={outcome === 'copied'} />
      {label != null && <span aria-hidden="true">{outcome ?? label}</span>}
      <span class="sr">Copy {what}</span>
    </button>
  );
}

function CopyIcon({ done }: { done: boolean }) {
  const path = done ? 'M3 8.5 6.5 12 13 4.5' : 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z';
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

// Plain http on an address other than loopback has no clipboard API.
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  const focused = document.activeElement;
  area.value = text;
  area.className = 'sr';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
