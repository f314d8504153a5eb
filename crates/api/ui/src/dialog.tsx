// A dialog of the browser's own: it holds the focus, closes with Escape, and gives the focus back.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { inWords, Refusal } from './rest';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  testId?: string;
}

/** Open as long as it is rendered. */
export function Dialog({ title, onClose, children, testId }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const onClick = (event: MouseEvent) => {
    // The dialog itself is hit only beside its content: on the backdrop.
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={titleId} onClose={onClose} onMouseDown={onClick} data-testid={testId}>
      <div class="dialog-content">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface FormProps {
  /** What the button says. */
  submit: string;
  /** Does it; a rejection is shown, and the form stays open. */
  onSubmit: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
  danger?: boolean;
}

/** A form in a dialog, with its refusal from the daemon's problem document. */
export function DialogForm({ submit, onSubmit, onClose, children, danger = false }: FormProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    await onSubmit().then(onClose, (error: unknown) => setProblem(why(error)));
    setBusy(false);
  };
  return (
    <form class="form" onSubmit={send}>
      {children}
      <p class="problem" role="alert" data-testid="form-problem">
        {problem}
      </p>
      <div class="form-buttons">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class={danger ? 'button button-danger' : 'button button-main'} disabled={busy}>
          {busy ? 'Sending …' : submit}
        </button>
      </div>
    </form>
  );
}

function why(error: unknown): string {
  return error instanceof Refusal ? error.detail : inWords(error);
}
