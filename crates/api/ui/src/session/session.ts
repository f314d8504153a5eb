// Who this page is for the daemon, and what it may do there. No token is kept: the daemon's cookie is.

import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { AccessRole, Session } from '../protocol';
import { ask, change, Refusal } from '../rest';

const ROLES: readonly AccessRole[] = ['viewer', 'operator', 'admin'];

export type SessionState =
  | { kind: 'loading' }
  /** The daemon wants to know who asks. */
  | { kind: 'signed-out' }
  | { kind: 'known'; session: Session }
  /** The daemon did not say; nothing may be changed. */
  | { kind: 'unknown' };

/** What somebody shows to be known; the daemon gives a cookie for it, and nothing of it is kept. */
export type Proof = { token: string } | { user: string; password: string };

export interface SessionControl {
  state: SessionState;
  signIn: (proof: Proof) => Promise<void>;
  signOut: () => Promise<void>;
}

const nobody: SessionControl = { state: { kind: 'loading' }, signIn: async () => undefined, signOut: async () => undefined };

/** The session, for everything below the page. */
export const SessionContext = createContext<SessionControl>(nobody);

export function useSession(): SessionControl {
  return useContext(SessionContext);
}

/**
 * Loads the session, and anew when `unauthorized` changes: a cookie ends, or another page signs in. Calls `changed`
 * after a sign-in or sign-out.
 */
export function useSessionControl(unauthorized: boolean, changed: () => void): SessionControl {
  const [state, setState] = useState<SessionState>({ kind: 'loading' });
  const load = async () => setState(await loadSession());
  useEffect(() => void load(), [unauthorized]);
  const signIn = async (proof: Proof) => {
    await change('POST', 'api/v1/session', proof);
    await load();
    changed();
  };
  const signOut = async () => {
    await change('DELETE', 'api/v1/session');
    await load();
    changed();
  };
  return { state, signIn, signOut };
}

async function loadSession(): Promise<SessionState> {
  try {
    return { kind: 'known', session: await ask<Session>('api/v1/session') };
  } catch (error) {
    const refused = error instanceof Refusal && error.status === 401;
    return { kind: refused ? 'signed-out' : 'unknown' };
  }
}

/** Why `state` does not allow what takes `role`; null where it does. */
export function reasonAgainst(state: SessionState, role: AccessRole): string | null {
  if (state.kind === 'loading') return 'asking the daemon what you may do here';
  if (state.kind === 'signed-out') return 'sign in first';
  if (state.kind === 'unknown') return 'the daemon does not say what you may do here';
  const { session } = state;
  if (session.read_only_reason != null) return session.read_only_reason;
  const allowed = ROLES.indexOf(session.role) >= ROLES.indexOf(role);
  return allowed ? null : `this takes the role ${role}; yours is ${session.role}`;
}

/** Why the caller may not do what takes `role`; null where they may. */
export function useReasonAgainst(role: AccessRole): string | null {
  return reasonAgainst(useSession().state, role);
}
