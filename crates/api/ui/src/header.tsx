// The header: what is shown, how fresh it is, and the page's own controls.

import { useState } from 'preact/hooks';
import type { FeedState } from './feed';
import type { Freshness } from './freshness';
import { span } from './format';
import { clusterState, GLYPH } from './state';
import { currentTheme, toggleTheme } from './theme';

interface Props {
  state: FeedState;
  fresh: Freshness;
  filter: string;
  onFilter: (text: string) => void;
  onCluster: (name: string) => void;
}

export function Header({ state, fresh, filter, onFilter, onCluster }: Props) {
  return (
    <header class="top">
      <span class="brand">etcd-monitor</span>
      <ClusterName state={state} onCluster={onCluster} />
      <Live fresh={fresh} />
      <span class="grow" />
      <FilterBox filter={filter} onFilter={onFilter} />
      <AlertCount state={state} />
      <ThemeButton />
    </header>
  );
}

function ClusterName({ state, onCluster }: Pick<Props, 'state' | 'onCluster'>) {
  const clusters = state.clusters ?? [];
  if (clusters.length < 2) return <span class="cluster-name" data-testid="cluster-name">{state.cluster ?? ''}</span>;
  return (
    <select
      class="cluster-name"
      aria-label="Cluster"
      data-testid="cluster-switcher"
      value={state.cluster ?? ''}
      onChange={(event) => onCluster(event.currentTarget.value)}
    >
      {clusters.map((cluster) => (
        <option key={cluster.cluster} value={cluster.cluster}>
          {`${GLYPH[clusterState(cluster)]} ${cluster.cluster}`}
        </option>
      ))}
    </select>
  );
}

const LIVE_WORD: Record<Freshness['kind'], string> = {
  loading: 'connecting',
  idle: 'no cluster',
  away: 'no data',
  live: 'live',
  stale: 'no data for',
};

function Live({ fresh }: { fresh: Freshness }) {
  const age = fresh.kind === 'live' || fresh.kind === 'stale' ? span(fresh.age) : null;
  return (
    <span class={`live live-${fresh.kind}`} data-testid="live" title="Age of the shown data">
      <span class="live-dot" aria-hidden="true" />
      {LIVE_WORD[fresh.kind]}
      {age != null && <span class="live-age">{fresh.kind === 'live' ? `${age} ago` : age}</span>}
    </span>
  );
}

function FilterBox({ filter, onFilter }: Pick<Props, 'filter' | 'onFilter'>) {
  return (
    <input
      id="filter"
      class="filter"
      type="search"
      placeholder="Filter   /"
      aria-label="Filter members, findings and alerts"
      value={filter}
      onInput={(event) => onFilter(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        onFilter('');
        event.currentTarget.blur();
      }}
    />
  );
}

function AlertCount({ state }: { state: FeedState }) {
  const active = state.alerts?.alerts.filter((alert) => alert.state === 'firing').length;
  return (
    <a class="pill" href="#alerts" data-testid="alert-count">
      alerts <strong>{active ?? '—'}</strong>
    </a>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme());
  const toggle = () => {
    toggleTheme();
    setTheme(currentTheme());
    dispatchEvent(new Event('themechange'));
  };
  const next = theme === 'dark' ? 'light' : 'dark';
  return (
    <button type="button" class="icon-button" onClick={toggle} aria-label={`Change to ${next} colours`} title={`Change to ${next} colours`}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <circle cx="8" cy="8" r="5.6" />
        <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2Z" class="half" />
      </svg>
    </button>
  );
}
