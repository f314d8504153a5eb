// Moving between addresses without loading the page again. Links are plain `<a href="?…">`: a middle click, a new tab
// and a copied link are the browser's own.

import { useEffect, useState } from 'preact/hooks';
import type { Address } from './address';
import { href, parse } from './address';

const CHANGED = 'addresschange';

/** The address that is shown now. */
export function currentAddress(): Address {
  return parse(location.search);
}

/** Goes to `address`; `replace` leaves no step to go back to. */
export function go(address: Address, { replace = false } = {}): void {
  goTo(href(address), replace);
}

function goTo(query: string, replace: boolean): void {
  const target = new URL(query, location.href);
  if (target.href === location.href) return;
  const leaves = target.search !== location.search;
  history[replace ? 'replaceState' : 'pushState'](null, '', target);
  dispatchEvent(new Event(CHANGED));
  if (leaves && !replace) scrollTo(0, 0);
}

/** Follows links of this page by `pushState`, and tells of back and forward. */
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    const link = linkOf(event);
    if (link == null) return;
    event.preventDefault();
    goTo(link, false);
  });
  addEventListener('popstate', () => dispatchEvent(new Event(CHANGED)));
}

/** The query that a plain click leads to; null where the browser should act by itself. */
function linkOf(event: MouseEvent): string | null {
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!plain || event.defaultPrevented || !(event.target instanceof Element)) return null;
  const link = event.target.closest('a');
  if (link == null || link.target !== '' || link.hasAttribute('download')) return null;
  const written = link.getAttribute('href');
  return written?.startsWith('?') ? written : null;
}

/** The address that is shown; renders again when it changes. */
export function useAddress(): Address {
  const [search, setSearch] = useState(location.search);
  useEffect(() => {
    const follow = () => setSearch(location.search);
    addEventListener(CHANGED, follow);
    follow();
    return () => removeEventListener(CHANGED, follow);
  }, []);
  return parse(search);
}
