// Takes an alert in hand.

import { useState } from 'preact/hooks';
import { announce } from '../announce';
import { Dialog, DialogForm } from '../dialog';
import { Field } from '../field';
import type { Alert } from '../protocol';
import { AuthorField, useAuthor } from './author';
import { acknowledge } from './changes';

const COMMENT_CHARS_MAX = 1_000;

export function AcknowledgeDialog({ alert, onClose, onDone }: { alert: Alert; onClose: () => void; onDone: () => void }) {
  const author = useAuthor();
  const [comment, setComment] = useState('');
  const submit = async () => {
    await acknowledge(alert, { comment: comment.trim(), ...author.said() });
    announce(`${alert.rule} acknowledged`);
    onDone();
  };
  return (
    <Dialog title="Acknowledge alert" onClose={onClose} testId="acknowledge-dialog">
      <p class="dialog-about">{alert.cause || alert.rule}</p>
      <p class="muted">It is told no more until it is over or becomes more severe. Others see that you take care of it.</p>
      <DialogForm submit="Acknowledge" onSubmit={submit} onClose={onClose}>
        <AuthorField author={author} />
        <Field label="Comment" hint="What you are going to do; may be empty." value={comment} onChange={setComment} lines={2} max={COMMENT_CHARS_MAX} />
      </DialogForm>
    </Dialog>
  );
}
