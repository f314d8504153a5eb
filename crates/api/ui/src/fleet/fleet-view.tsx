// Every watched cluster in one line, worst first.

import { useEffect, useMemo } from 'preact/hooks';
import type { FleetAddress, FleetSort } from '../address';
import { href } from '../address';
import { count } from '../format';
import type { Trend } from '../live/messages';
import type { ClusterSummary } from '../protocol';
import { Shape } from '../shape';
import type { State } from '../state';
import { WORD } from './row';
import { counts, rows, sentence, STATES } from './rows';
import { focusRow, FleetTable } from './table';

interface Props {
  clusters: ClusterSummary[];
  trends: Record<string, Trend>;
  address: FleetAddress;
  filter: string;
  stale: boolean;
}

export function FleetView({ clusters, trends, address, filter, stale }: Props) {
  const lines = useMemo(() => rows(clusters, address.sort, filter), [clusters, address.sort, filter]);
  useEnterFromSearch();
  return (
    <div class="fleet">
      <Summary clusters={clusters} stale={stale} />
      <div class="fleet-tools">
        <p class="muted" role="status">
          {filter === '' ? count(clusters.length, 'cluster') : `${lines.length} of ${count(clusters.length, 'cluster')}`}
        </p>
        <SortChoice sort={address.sort} />
      </div>
      {lines.length === 0 ? <p class="card empty">No cluster matches “{filter}”.</p> : <FleetTable lines={lines} trends={trends} />}
    </div>
  );
}

function Summary({ clusters, stale }: Pick<Props, 'clusters' | 'stale'>) {
  const found = counts(clusters);
  const worst = STATES.find((state) => found[state] > 0) ?? 'unknown';
  return (
    <section class={`card fleet-summary verdict-${worst}`} aria-labelledby="fleet-sentence" data-testid="fleet-summary" data-state={worst}>
      <h1 id="fleet-sentence">
        <Shape state={worst} />
        <span>
          {stale && <span class="last-known">Last known: </span>}
          {sentence(clusters)}
        </span>
      </h1>
      <ul class="fleet-counts" data-testid="fleet-counts">
        {STATES.filter((state) => state !== 'info').map((state) => (
          <Count state={state} number={found[state]} key={state} />
        ))}
      </ul>
    </section>
  );
}

function Count({ state, number }: { state: State; number: number }) {
  return (
    <li class={number === 0 ? 'fleet-count fleet-count-none' : 'fleet-count'}>
      <Shape state={state} />
      <strong>{number}</strong> {WORD[state]}
    </li>
  );
}

const SORT_WORD: Record<FleetSort, string> = {
  worst: 'worst first',
  name: 'name',
  since: 'longest',
  latency: 'slowest',
};

function SortChoice({ sort }: { sort: FleetSort }) {
  return (
    <nav class="choice" aria-label="Order of the clusters">
      {(Object.keys(SORT_WORD) as FleetSort[]).map((key) => (
        <a href={href({ view: 'fleet', sort: key })} aria-current={key === sort ? 'true' : undefined} key={key}>
          {SORT_WORD[key]}
        </a>
      ))}
    </nav>
  );
}

/** From the search, the arrow goes to the first line and Enter opens it. */
function useEnterFromSearch(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.target instanceof HTMLElement) || event.target.id !== 'filter') return;
      if (event.key !== 'ArrowDown' && event.key !== 'Enter') return;
      event.preventDefault();
      if (focusRow(document.body, 0) && event.key === 'Enter') (document.activeElement as HTMLElement).click();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
