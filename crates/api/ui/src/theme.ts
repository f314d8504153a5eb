// Light and dark: the system's, or the user's choice.

const STORED = 'etcd-monitor.theme';

export type Theme = 'light' | 'dark';
/** `auto` follows the system. */
export type Choice = 'auto' | Theme;

const CHOICES: readonly Choice[] = ['auto', 'light', 'dark'];
const systemDark = matchMedia('(prefers-color-scheme: dark)');
let choice: Choice = stored();

/** What the user chose. */
export function themeChoice(): Choice {
  return choice;
}

/** The choice that comes after `current` in the round. */
export function nextChoice(current: Choice): Choice {
  return CHOICES[(CHOICES.indexOf(current) + 1) % CHOICES.length] ?? 'auto';
}

/** Applies the stored choice, and follows the system where it is `auto`; calls `changed` at every change. */
export function followTheme(changed: () => void): void {
  apply();
  systemDark.addEventListener('change', () => {
    apply();
    changed();
  });
}

/** Takes a choice and remembers it. */
export function chooseTheme(next: Choice): void {
  choice = next;
  try {
    if (next === 'auto') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
  apply();
}

function apply(): void {
  const system: Theme = systemDark.matches ? 'dark' : 'light';
  document.documentElement.dataset['theme'] = choice === 'auto' ? system : choice;
}

function stored(): Choice {
  try {
    const found = localStorage.getItem(STORED);
    return CHOICES.find((one) => one === found) ?? 'auto';
  } catch {
    return 'auto';
  }
}
