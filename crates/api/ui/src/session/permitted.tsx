// A button that the caller's role may use, or that says why it may not.

import type { ComponentChildren } from 'preact';
import type { AccessRole } from '../protocol';
import { useReasonAgainst } from './session';

interface Props {
  role?: AccessRole;
  onClick: () => void;
  class?: string;
  children: ComponentChildren;
  testId?: string;
}

/** It stays reachable by keyboard while it may not be used, so that its reason can be read. */
export function PermittedButton({ role = 'operator', onClick, class: look = 'button', children, testId }: Props) {
  const reason = useReasonAgainst(role);
  return (
    <button
      type="button"
      class={look}
      aria-disabled={reason != null}
      title={reason ?? undefined}
      data-testid={testId}
      onClick={() => reason == null && onClick()}
    >
      {children}
      {reason != null && <span class="sr"> (not allowed: {reason})</span>}
    </button>
  );
}
