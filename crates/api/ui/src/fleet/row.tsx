// One cluster in one line.

import { memo } from '../memo';
import { clusterAddress, href } from '../address';
import { Ago } from '../ago';
import { latency, span } from '../format';
import type { Trend } from '../live/messages';
import type { ClusterSummary } from '../protocol';
import { Shape } from '../shape';
import type { State } from '../state';
import { clusterState } from '../state';
import { Known, Unknown } from '../unknown';
import { Sparkline } from './sparkline';

/** The daemon has looked at this cluster longer ago than any usual interval. */
const OLD_SECONDS = 90;

export const WORD: Record<State, string> = {
  critical: 'critical',
  warning: 'warning',
  info: 'for information',
  healthy: 'healthy',
  unknown: 'not known',
};

interface Props {
  line: ClusterSummary;
  trend: Trend;
  /** Its place in the table, from 1, as screen readers count. */
  place: number;
}

function FleetRow({ line, trend, place }: Props) {
  const state = clusterState(line);
  const old = line.age_seconds != null && line.age_seconds > OLD_SECONDS;
  return (
    <div role="row" class={`fleet-row fleet-${state}`} aria-rowindex={place + 1} data-testid="fleet-row" data-cluster={line.cluster} data-state={state}>
      <span role="rowheader" class="fleet-name">
        <Shape state={state} label={`${WORD[state]}:`} />
        <a href={href(clusterAddress(line.cluster))} data-row={place - 1} title={`${line.cluster}: ${line.sentence}`}>
          <bdi>{line.cluster}</bdi>
        </a>
      </span>
      <span role="cell" class="fleet-sentence">
        {old && <span class="muted">{`as of ${span(line.age_seconds ?? 0)} ago: `}</span>}
        {line.sentence}
      </span>
      <span role="cell" class="right" data-label="since">
        <Since line={line} state={state} />
      </span>
      <span role="cell" class="right" data-label="quorum">
        <Quorum line={line} />
      </span>
      <span role="cell" class="fleet-latency" data-label="read p99">
        <Sparkline trend={trend} />
        <span class="fleet-p99">
          <Known value={line.read_p99_seconds} reason="no linearizable read was answered in the last five minutes" show={latency} />
        </span>
      </span>
      <span role="cell" class="right" data-label="alerts">
        <Known value={line.alerts_firing} reason="the daemon does not say" show={(firing) => (firing === 0 ? <span class="muted">0</span> : <strong>{firing}</strong>)} />
      </span>
    </div>
  );
}

/** Draws again only when something of the line changed. */
export const Row = memo(FleetRow);

function Since({ line, state }: { line: ClusterSummary; state: State }) {
  if (line.since != null) return <Ago at={line.since} />;
  if (state === 'healthy') return <span class="muted" title="nothing is wrong">–</span>;
  return <Unknown reason="the daemon does not say since when" />;
}

function Quorum({ line }: { line: ClusterSummary }) {
  if (line.quorum == null) return <Unknown reason="no agreed member list yet" />;
  const { available, voters, needed } = line.quorum;
  const title = `${needed} of ${voters} voting members are needed`;
  return (
    <span title={title}>
      <Known value={available} reason="no member answers" show={String} />
      <span class="muted"> / {voters}</span>
    </span>
  );
}
