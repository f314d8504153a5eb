// The shown range, which is in the address. A change is a step that Back undoes, and leaves the page where it is.

import type { Range } from '../../address';
import { href } from '../../address';
import { currentAddress } from '../../navigation';

/** The query of this cluster's page with another range; null takes it out. */
export function rangeHref(cluster: string, range: Range | null): string {
  const address = currentAddress();
  const finding = address.view === 'cluster' ? address.finding : null;
  return href({ view: 'cluster', cluster, finding, range });
}

/** Shows another range. */
export function showRange(cluster: string, range: Range | null): void {
  history.pushState(null, '', new URL(rangeHref(cluster, range), location.href));
  dispatchEvent(new Event('addresschange'));
}
