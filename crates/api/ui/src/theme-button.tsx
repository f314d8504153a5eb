// Light, dark, or as the system has it.

import { useState } from 'preact/hooks';
import type { Choice } from './theme';
import { chooseTheme, nextChoice, themeChoice } from './theme';

const WORD: Record<Choice, string> = { auto: 'the colours of the system', light: 'light colours', dark: 'dark colours' };

export function ThemeButton() {
  const [choice, setChoice] = useState(themeChoice());
  const next = nextChoice(choice);
  const change = () => {
    chooseTheme(next);
    setChoice(next);
    dispatchEvent(new Event('themechange'));
  };
  const label = `Shown in ${WORD[choice]}; change to ${WORD[next]}`;
  return (
    <button type="button" class="icon-button" onClick={change} aria-label={label} title={label} data-testid="theme">
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {choice === 'auto' && <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2Z" class="half" />}
        {choice === 'dark' ? <path d="M12.8 9.8A5.4 5.4 0 0 1 6.2 3.2a5.4 5.4 0 1 0 6.6 6.6Z" /> : <circle cx="8" cy="8" r={choice === 'light' ? 3 : 5.6} />}
        {choice === 'light' && <path d="M8 1v2M8 13v2M1 8h2M13 8h2M3.1 3.1l1.4 1.4M11.5 11.5l1.4 1.4M3.1 12.9l1.4-1.4M11.5 4.5l1.4-1.4" />}
      </svg>
    </button>
  );
}
