// Light and dark: the system's choice until the user makes one.

const STORED = 'etcd-monitor.theme';

export type Theme = 'light' | 'dark';

const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** The theme that is shown. */
export function currentTheme(): Theme {
  return chosen() ?? (systemDark.matches ? 'dark' : 'light');
}

/** Applies the stored choice and follows the system where there is none; calls `changed` at every change. */
export function followTheme(changed: () => void): void {
  apply();
  systemDark.addEventListener('change', () => {
    apply();
    changed();
  });
}

/** Changes to the other theme and remembers it. */
export function toggleTheme(): void {
  const next: Theme = currentTheme() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
  document.documentElement.dataset['theme'] = next;
}

function apply(): void {
  document.documentElement.dataset['theme'] = currentTheme();
}

function chosen(): Theme | null {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : null;
  } catch {
    const shown = document.documentElement.dataset['theme'];
    return shown === 'light' || shown === 'dark' ? shown : null;
  }
}
