// One chart with its legend. The legend names the members with their last value, or the value under the crosshair.

import { useEffect, useRef, useState } from 'preact/hooks';
import { timeOfDay } from './format';
import type { Mark } from './marks';
import { dashes, seriesClass } from './palette';
import { Plot } from './plot';
import type { MemberSample, Series } from './samples';
import { Unknown } from './unknown';

export interface ChartKind {
  id: string;
  title: string;
  what: keyof MemberSample;
  show: (value: number) => string;
  /** How the axis is divided: by powers of ten or of two. */
  scale: 'decimal' | 'binary';
  /** Whether a logarithmic axis is offered. */
  log: boolean;
}

interface Props {
  kind: ChartKind;
  series: Series[];
  times: number[];
  values: (number | null)[][];
  marks: Mark[];
}

export function Chart({ kind, series, times, values, marks }: Props) {
  const [log, setLog] = useState(false);
  const [cursor, setCursor] = useState<number | null>(null);
  const under = cursor == null ? undefined : times[cursor];
  const enough = values.some((line) => line.filter((value) => value != null).length >= 2);
  return (
    <figure class="card chart" data-testid={`chart-${kind.id}`}>
      <figcaption>
        <h3>
          {kind.title}
          {under != null && <span class="muted"> at {timeOfDay(under * 1000)}</span>}
        </h3>
        {kind.log && (
          <button type="button" class="toggle" aria-pressed={log} onClick={() => setLog(!log)}>
            log
          </button>
        )}
      </figcaption>
      <div class="chart-area">
        {enough ? (
          <Canvas kind={kind} series={series} times={times} values={values} marks={marks} log={log} onCursor={setCursor} />
        ) : (
          <p class="chart-empty">{emptyReason(times)}</p>
        )}
      </div>
      <ul class="legend">
        {series.map((one, index) => (
          <LegendEntry series={one} value={valueAt(values[index] ?? [], cursor)} show={kind.show} key={one.key} />
        ))}
      </ul>
    </figure>
  );
}

function emptyReason(times: number[]): string {
  return times.length < 3
    ? 'A line needs two measurements; they arrive with the next cycles.'
    : 'No member gave two measurements since this page opened.';
}

function LegendEntry(props: { series: Series; value: number | null; show: (value: number) => string }) {
  const { series, value } = props;
  return (
    <li>
      <svg class={`line ${seriesClass(series.place)}`} viewBox="0 0 16 4" aria-hidden="true" focusable="false">
        <path d="M0 2H16" stroke-dasharray={dashes(series.place).join(' ')} />
      </svg>
      <bdi class="legend-name">{series.name}</bdi>
      <span class="legend-value">{value == null ? <Unknown reason="not measured then" /> : props.show(value)}</span>
    </li>
  );
}

function valueAt(line: (number | null)[], cursor: number | null): number | null {
  return (cursor == null ? line.at(-1) : line[cursor]) ?? null;
}

function Canvas(props: Props & { log: boolean; onCursor: (index: number | null) => void }) {
  const { kind, series, times, values, marks, log, onCursor } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [look, setLook] = useState(0);
  useEffect(() => {
    const changed = () => setLook((number) => number + 1);
    addEventListener('themechange', changed);
    return () => removeEventListener('themechange', changed);
  }, []);
  const lines = series.map((one) => `${one.key}/${one.place}`).join(' ');
  useEffect(() => {
    if (host.current == null) return undefined;
    const made = new Plot(host.current, kind, series, log, onCursor);
    plot.current = made;
    return () => made.destroy();
  }, [kind, lines, log, look]);
  useEffect(() => plot.current?.show(times, values, marks));
  return <div class="canvas" ref={host} role="img" aria-label={`${kind.title} per member; the values stand below`} />;
}
