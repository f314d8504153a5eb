// The card that asks for a token.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal, inWords } from '../rest';
import { useSession } from './session';

export function SignIn() {
  const { signIn } = useSession();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token === '') return setProblem('Enter a token.');
    setBusy(true);
    setProblem(await signIn(token).then(() => null, refusedBecause));
    setBusy(false);
    field.current?.select();
  };
  return (
    <section class="card nothing sign-in" data-testid="sign-in">
      <h1>Sign in</h1>
      <p class="muted">This monitor shows its clusters only to those whom its web configuration file knows.</p>
      <form onSubmit={submit} noValidate>
        <input class="sr" type="text" name="username" autocomplete="username" value="etcd-monitor" tabIndex={-1} readOnly aria-hidden="true" />
        <label for="token">Token</label>
        <input
          ref={field}
          id="token"
          class="field"
          type="password"
          name="token"
          autocomplete="current-password"
          spellcheck={false}
          required
          aria-invalid={problem != null}
          aria-describedby="token-problem"
        />
        <p class="problem" id="token-problem" role="alert" data-testid="sign-in-problem">
          {problem}
        </p>
        <button type="submit" class="button button-main" disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </section>
  );
}

function refusedBecause(error: unknown): string {
  if (error instanceof Refusal && error.status === 401) return 'The daemon does not know this token. Check that all of it was copied.';
  if (error instanceof Refusal && error.status === 429) return `Too many attempts: ${error.detail}`;
  return `Not signed in: ${inWords(error)}.`;
}
