// Who is signed in, what they may do, and the way out.

import { useState } from 'preact/hooks';
import { announce } from '../announce';
import { inWords } from '../rest';
import { useSession } from './session';

export function Who() {
  const { state, signOut } = useSession();
  const [busy, setBusy] = useState(false);
  if (state.kind !== 'known') return null;
  const { name, role, via, read_only_reason: reason, authentication } = state.session;
  if (!authentication && reason == null) return null;
  const leave = async () => {
    setBusy(true);
    await signOut().catch((error: unknown) => announce(`Not signed out: ${inWords(error)}`));
    setBusy(false);
  };
  return (
    <span class="who" data-testid="who">
      {reason == null ? (
        <span title={`${name ?? 'anonymous'} may act as ${role}`}>
          {name != null && <bdi>{name}</bdi>} <span class="muted">{role}</span>
        </span>
      ) : (
        <span class="muted" title={reason}>
          read only<span class="sr">: {reason}</span>
        </span>
      )}
      {via === 'cookie' && (
        <button type="button" class="button" onClick={leave} disabled={busy}>
          Sign out
        </button>
      )}
    </span>
  );
}
