// Adds a silence: for which alerts, for how long, and why.

import { useState } from 'preact/hooks';
import { announce } from '../announce';
import { Dialog, DialogForm } from '../dialog';
import { Field } from '../field';
import { count, timeOfDay } from '../format';
import type { Alert } from '../protocol';
import { AuthorField, useAuthor } from './author';
import { addSilence } from './changes';
import { lines, matchersOf } from './matchers';

const COMMENT_CHARS_MAX = 1_000;
const PRESETS: [string, number][] = [['30 min', 1800], ['1 h', 3600], ['4 h', 14400], ['1 d', 86400], ['7 d', 604800]];
const FIRST_SECONDS = 3600;

interface Props {
  /** The alert whose conditions the form begins with; null: none. */
  alert: Alert | null;
  onClose: () => void;
  onDone: () => void;
}

export function SilenceDialog({ alert, onClose, onDone }: Props) {
  const author = useAuthor();
  const [matchers, setMatchers] = useState(alert == null ? '' : matchersOf(alert).join('\n'));
  const [seconds, setSeconds] = useState(FIRST_SECONDS);
  const [comment, setComment] = useState('');
  const submit = async () => {
    await addSilence({ matchers: lines(matchers), duration_seconds: seconds, comment: comment.trim(), ...author.said() });
    announce('Silence added');
    onDone();
  };
  return (
    <Dialog title="Add silence" onClose={onClose} testId="silence-dialog">
      <p class="muted">Nothing new is told about alerts that fulfil all conditions. They are still shown here.</p>
      <DialogForm submit="Add silence" onSubmit={submit} onClose={onClose}>
        <Field
          label="Conditions"
          hint={<>One per line, such as <code>cluster="prod"</code> or <code>rule=~"Disk.*"</code>: {countOf(matchers)}.</>}
          value={matchers}
          onChange={setMatchers}
          lines={Math.max(3, lines(matchers).length)}
          required
        />
        <Duration seconds={seconds} onChange={setSeconds} />
        <AuthorField author={author} />
        <Field label="Comment" hint="Why, for those who wonder tomorrow." value={comment} onChange={setComment} lines={2} required max={COMMENT_CHARS_MAX} />
      </DialogForm>
    </Dialog>
  );
}

function countOf(matchers: string): string {
  return count(lines(matchers).length, 'condition');
}

function Duration({ seconds, onChange }: { seconds: number; onChange: (seconds: number) => void }) {
  return (
    <fieldset class="form-field presets">
      <legend>Duration</legend>
      {PRESETS.map(([label, value]) => (
        <label class="preset" key={value}>
          <input type="radio" name="duration" checked={value === seconds} onChange={() => onChange(value)} />
          <span>{label}</span>
        </label>
      ))}
      <p class="muted hint">Until {endOf(seconds)}.</p>
    </fieldset>
  );
}

function endOf(seconds: number): string {
  const end = new Date(Date.now() + seconds * 1000);
  const day = end.toDateString() === new Date().toDateString() ? '' : `${end.toLocaleDateString('en-GB', { dateStyle: 'medium' })}, `;
  return day + timeOfDay(end.getTime()).slice(0, 5);
}
