// The shape of a state: it reads without colour.

import type { State } from './state';

const PATHS: Record<State, string> = {
  critical: 'M3.6 3.6 12.4 12.4M12.4 3.6 3.6 12.4',
  warning: 'M8 2 15 14.2H1Z',
  info: 'M8 1.2 14.8 8 8 14.8 1.2 8Z',
  healthy: 'M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z',
  unknown: 'M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z',
};

/** Draws the shape of `state`; `label` is what a screen reader hears, nothing when a text beside it says the same. */
export function Shape({ state, label }: { state: State; label?: string }) {
  return (
    <span class={`shape shape-${state}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d={PATHS[state]} />
      </svg>
      {label != null && <span class="sr">{label}</span>}
    </span>
  );
}
