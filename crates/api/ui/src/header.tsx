// The header: what is shown, how fresh it is, and the page's own controls.

import type { Address } from './address';
import { ALERTS, BENCHMARKS, clusterAddress, FLEET, href, INCIDENTS } from './address';
import { go } from './navigation';
import type { FeedState } from './feed';
import type { Freshness } from './freshness';
import { span } from './format';
import { Who } from './session/who';
import { clusterState, GLYPH } from './state';
import { ThemeButton } from './theme-button';

interface Props {
  state: FeedState;
  fresh: Freshness;
  filter: string;
  onFilter: (text: string) => void;
  address: Address;
  onHelp: () => void;
  /** Nothing can be shown, so there is nowhere to go. */
  signedOut: boolean;
}

export function Header(props: Props) {
  return (
    <header class="top">
      <a class="brand" href="?">
        etcd-monitor
      </a>
      {props.signedOut ? <span class="grow" /> : <Controls {...props} />}
      <ThemeButton />
    </header>
  );
}

function Controls({ state, fresh, address, filter, onFilter, onHelp }: Props) {
  return (
    <>
      <Navigation address={address} state={state} />
      {address.view === 'cluster' && <ClusterName state={state} cluster={address.cluster} />}
      <Live fresh={fresh} />
      <span class="grow" />
      <FilterBox filter={filter} onFilter={onFilter} />
      <Who />
      <button type="button" class="icon-button wide-only" onClick={onHelp} aria-label="Keys" title="Keys (?)" data-testid="help-button">
        <span aria-hidden="true">?</span>
      </button>
    </>
  );
}

function ClusterName({ state, cluster }: { state: FeedState; cluster: string }) {
  const clusters = state.clusters ?? [];
  if (clusters.length < 2) return <span class="cluster-name" data-testid="cluster-name">{cluster}</span>;
  return (
    <select
      class="cluster-name"
      aria-label="Cluster"
      data-testid="cluster-switcher"
      value={cluster}
      onChange={(event) => go(clusterAddress(event.currentTarget.value))}
    >
      {clusters.map((line) => (
        <option key={line.cluster} value={line.cluster}>
          {`${GLYPH[clusterState(line)]} ${line.cluster}`}
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
      placeholder="Search   /"
      aria-label="Search what is shown"
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

function Navigation({ address, state }: Pick<Props, 'address' | 'state'>) {
  const firing = state.alerts?.alerts.filter((alert) => alert.state === 'firing').length;
  const current = (view: Address['view']) => (address.view === view ? 'page' : undefined);
  return (
    <nav class="places" aria-label="Views">
      <a href={href(FLEET)} aria-current={current('fleet')}>fleet</a>
      <a href={href(ALERTS)} aria-current={current('alerts')} data-testid="alert-count">
        alerts <strong>{firing ?? '—'}</strong>
      </a>
      <a href={href(INCIDENTS)} aria-current={current('incidents') ?? current('incident')}>incidents</a>
      <a href={href(BENCHMARKS)} aria-current={current('benchmarks') ?? current('benchmark')}>benchmarks</a>
    </nav>
  );
}
