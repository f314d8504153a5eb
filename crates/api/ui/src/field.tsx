// Labelled fields of forms.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
  /** More than one line. */
  lines?: number;
  max?: number;
  autoFocus?: boolean;
}

export function Field({ label, hint, value, onChange, required = false, lines = 1, max, autoFocus = false }: Props) {
  const id = useId();
  const common = {
    ...{ id, class: 'field', value, required, autoFocus, spellcheck: false },
    'aria-describedby': hint == null ? undefined : `${id}-hint`,
    onInput: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
    ...(max == null ? {} : { maxLength: max }),
  };
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      {lines > 1 ? <textarea rows={lines} {...common} /> : <input type="text" {...common} />}
      {hint != null && (
        <p class="muted hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
