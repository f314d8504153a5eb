// The charts of a cluster, on one axis of time with the time line.

import { useRef, useState } from 'preact/hooks';
import type { Range } from '../../address';
import type { AlertEvent, Alerts, Snapshot } from '../../protocol';
import { useDocument } from '../use-document';
import type { Shared } from './chart';
import { ChartGrid } from './chart-grid';
import type { MemberForecast } from './forecast';
import type { Quantile } from './kinds';
import { alertMarks, joined, leaderMarks } from './marks';
import { Members } from './members';
import { between, RANGE_DEFAULT, windowOf } from './range';
import { Toolbar } from './toolbar';
import { showRange } from './range-address';
import { useSeen } from './use-seen';

const FORECAST_EVERY_MS = 60_000;

interface Props {
  snapshot: Snapshot;
  alerts: Alerts | null;
  /** Null: the default. */
  range: Range | null;
}

export function Charts({ snapshot, alerts, range: asked }: Props) {
  const { cluster } = snapshot.status;
  const host = useRef<HTMLElement>(null);
  const seen = useSeen(host);
  const range = asked ?? RANGE_DEFAULT;
  const [quantile, setQuantile] = useState<Quantile>('p99');
  const [picked, setPicked] = useState<Set<string>>(() => new Set());
  const events = useDocument<{ history: AlertEvent[] }>('api/v1/alerts/history', { cluster }, { wanted: seen });
  const forecast = useDocument<{ members: MemberForecast[] }>('api/v1/metrics/forecast', { cluster }, { wanted: seen, everyMs: FORECAST_EVERY_MS });
  const now = Date.parse(snapshot.status.at) / 1000;
  const window = windowOf(range, now);
  const members = new Members(cluster, snapshot, picked);
  const marks = [
    ...leaderMarks(snapshot.status.leader_history, (id) => members.nameOf(id)),
    ...alertMarks(joined(events.value?.history ?? [], alerts?.history ?? [])),
  ];
  const onZoom = (from: number, to: number) => showRange(cluster, between(from, Math.min(to, now)));
  const onReset = () => showRange(cluster, null);
  const shared: Shared = { snapshot, members, range, window, quantile, marks, onZoom, onReset };
  return (
    <section class="charts" id="charts" tabIndex={-1} aria-labelledby="charts-title" data-testid="charts" ref={host}>
      <div class="charts-head">
        <h2 id="charts-title">History</h2>
        <Toolbar {...{ cluster, range, window, now, quantile, members, picked }} onQuantile={setQuantile} onPick={setPicked} />
      </div>
      <ChartGrid shared={shared} seen={seen} forecast={forecast.value?.members ?? null} />
    </section>
  );
}
