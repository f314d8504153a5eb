// The card that asks who somebody is: by a token, or by name and password.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Refusal, inWords } from '../rest';
import type { Proof } from './session';
import { useSession } from './session';

export function SignIn() {
  const { signIn } = useSession();
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const user = useRef<HTMLInputElement>(null);
  const secret = useRef<HTMLInputElement>(null);
  useEffect(() => secret.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const proof = proofOf(user.current?.value ?? '', secret.current?.value ?? '');
    if (proof == null) return setProblem('Enter a token, or a name and its password.');
    setBusy(true);
    setProblem(await signIn(proof).then(() => null, refusedBecause));
    setBusy(false);
    secret.current?.select();
  };
  const described = { 'aria-invalid': problem != null, 'aria-describedby': 'sign-in-problem' };
  return (
    <section class="card nothing sign-in" data-testid="sign-in">
      <h1>Sign in</h1>
      <p class="muted">This monitor shows its clusters only to those whom its web configuration file knows.</p>
      <form class="form" onSubmit={submit} noValidate>
        <div class="form-field">
          <label for="user">User <span class="muted">(none with a token)</span></label>
          <input ref={user} id="user" class="field" type="text" name="username" autocomplete="username" spellcheck={false} autocapitalize="none" />
        </div>
        <div class="form-field">
          <label for="secret">Token or password</label>
          <input ref={secret} id="secret" class="field" type="password" name="password" autocomplete="current-password" required {...described} />
        </div>
        <p class="problem" id="sign-in-problem" role="alert" data-testid="sign-in-problem">
          {problem}
        </p>
        <div>
          <button type="submit" class="button button-main" disabled={busy}>
            {busy ? 'Signing in …' : 'Sign in'}
          </button>
        </div>
      </form>
    </section>
  );
}

function proofOf(user: string, secret: string): Proof | null {
  if (secret === '') return null;
  return user.trim() === '' ? { token: secret.trim() } : { user: user.trim(), password: secret };
}

function refusedBecause(error: unknown): string {
  if (error instanceof Refusal && error.status === 401) return 'The daemon does not know this. Check that all of it was copied.';
  if (error instanceof Refusal) return error.detail;
  return `Not signed in: ${inWords(error)}.`;
}
