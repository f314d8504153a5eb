// The state in the tab: title and icon.

import { useEffect } from 'preact/hooks';
import type { Address } from './address';
import type { FeedState } from './feed';
import { counts, STATES } from './fleet/rows';
import type { Freshness } from './freshness';
import type { State } from './state';
import { clusterState, GLYPH } from './state';

const ICON: Record<State, string> = {
  critical: '<path d="M3 3 13 13M13 3 3 13" stroke="#e5484d" stroke-width="3.4" stroke-linecap="round"/>',
  warning: '<path d="M8 1.5 15 14.5H1Z" fill="#e8930c"/>',
  info: '<path d="M8 1 15 8 8 15 1 8Z" fill="#3b82f6"/>',
  healthy: '<circle cx="8" cy="8" r="6" fill="#2f9e5b"/>',
  unknown: '<circle cx="8" cy="8" r="6" fill="none" stroke="#808a97" stroke-width="2" stroke-dasharray="3 2"/>',
};

/** Keeps title and icon of the window at the state that is shown; stale data is unknown. */
export function useWindowTitle(state: FeedState, fresh: Freshness, address: Address): void {
  const shown: State = fresh.kind === 'live' ? stateOf(state, address) : 'unknown';
  const title = titleOf(address);
  useEffect(() => {
    document.title = title === '' ? 'etcd-monitor' : `${GLYPH[shown]} ${title} · etcd-monitor`;
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (icon != null) icon.href = iconUrl(shown);
  }, [shown, title]);
}

/** Of the shown cluster, else the worst of all. */
function stateOf({ snapshot, clusters }: FeedState, address: Address): State {
  if (address.view === 'cluster') return snapshot == null ? 'unknown' : clusterState(snapshot.status);
  const found = counts(clusters ?? []);
  return STATES.find((state) => found[state] > 0) ?? 'unknown';
}

function titleOf(address: Address): string {
  if (address.view === 'cluster') return address.cluster;
  return address.view === 'home' ? '' : address.view;
}

function iconUrl(state: State): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${ICON[state]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
