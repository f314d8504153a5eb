// The end of a list that comes page by page.

import type { Pages } from './pages';

export function More({ pages, what }: { pages: Pages<unknown>; what: string }) {
  const { items, problem, busy, more } = pages;
  return (
    <div class="more">
      {problem != null && (
        <p class="problem" role="alert">
          The {what} cannot be shown: {problem}.
        </p>
      )}
      {items == null && problem == null && <p class="muted" role="status">Loading the {what} …</p>}
      {more != null && (
        <button type="button" class="button" onClick={more} disabled={busy}>
          {busy ? 'Loading …' : `Older ${what}`}
        </button>
      )}
    </div>
  );
}
