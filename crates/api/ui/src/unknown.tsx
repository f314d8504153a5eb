// A value that is not known: hollow, dashed, with its reason. Never 0, never green.

import type { ComponentChildren } from 'preact';

/** A dash with the reason on hover and for screen readers. */
export function Unknown({ reason }: { reason: string }) {
  return (
    <span class="unknown" title={`not known: ${reason}`}>
      <span aria-hidden="true">—</span>
      <span class="sr">not known: {reason}</span>
    </span>
  );
}

/** Shows `value` through `show`, or that it is not known. */
export function Known<T>(props: {
  value: T | null | undefined;
  reason: string;
  show: (value: T) => ComponentChildren;
}) {
  return props.value == null ? <Unknown reason={props.reason} /> : <>{props.show(props.value)}</>;
}
