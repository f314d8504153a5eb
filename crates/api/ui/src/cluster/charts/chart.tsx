// One chart: its title with what is under the crosshair, the lines, and the legend.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Range } from '../../address';
import { dayAndMonth, timeOfDay } from '../../format';
import type { Snapshot } from '../../protocol';
import { Canvas } from './canvas';
import { usePointer } from './cursor';
import type { MemberForecast, Outlook } from './forecast';
import type { History } from './history';
import type { ChartKind, Level, Quantile } from './kinds';
import type { Drawn } from './legend';
import { Legend } from './legend';
import { gapSeconds, tableOf } from './line';
import type { Mark } from './marks';
import { nearest } from './marks';
import type { Members } from './members';
import { useHistory } from './use-history';
import type { OnZoom } from './plot';
import type { Window } from './range';
import { useSeen } from './use-seen';

const DAY_SECONDS = 86_400;

/** What all charts of a page share. */
export interface Shared {
  snapshot: Snapshot;
  members: Members;
  range: Range;
  window: Window;
  quantile: Quantile;
  marks: Mark[];
  onZoom: OnZoom;
  onReset: () => void;
}

interface Props extends Shared {
  kind: ChartKind;
  /** Levels that depend on the cluster, such as its quota. */
  levels?: (Level & { text: string })[];
  outlooksOf?: (lines: Drawn[]) => Outlook[];
  /** A sentence below the chart. */
  note?: ComponentChildren;
  forecast?: MemberForecast[];
}

export function Chart(props: Props) {
  const { kind, quantile, range, snapshot } = props;
  const host = useRef<HTMLElement>(null);
  const seen = useSeen(host);
  const [log, setLog] = useState(false);
  const loaded = useHistory({ kind, quantile, range, snapshot, seen });
  const lines = drawnOf(loaded.history, props.members, snapshot.status.interval_seconds);
  return (
    <figure class="card chart" ref={host} data-testid={`chart-${kind.id}`} data-state={loaded.state} data-points={pointsIn(lines)}>
      <figcaption>
        <h3 title={kind.about}>
          {kind.title}
          {kind.isLatency === true && <span class="muted"> {quantile}</span>}
        </h3>
        <UnderPointer marks={props.marks} window={props.window} />
        {kind.isLatency === true && (
          <button type="button" class="toggle" aria-pressed={log} onClick={() => setLog(!log)} aria-label={`log axis of ${kind.title}`}>
            log
          </button>
        )}
      </figcaption>
      <div class="chart-area" onDblClick={props.onReset}>
        {lines.some((line) => line.points.length > 0) ? (
          <Lines {...props} lines={lines} log={log} />
        ) : (
          <p class={`chart-empty chart-${loaded.state}`}>{emptyReason(kind, loaded)}</p>
        )}
      </div>
      <Legend lines={lines} show={kind.show} />
      {props.note != null && <p class="chart-note muted">{props.note}</p>}
      {loaded.state === 'failed' && lines.length > 0 && <p class="chart-note">Not loaded: {loaded.problem}. Trying again.</p>}
    </figure>
  );
}

function Lines(props: Props & { lines: Drawn[]; log: boolean }) {
  const { kind, lines, log, window, marks, onZoom } = props;
  const own = (kind.levels ?? []).map((level) => ({ ...level, text: `${level.severity} ${kind.show(level.value)} (default)` }));
  const drawing = {
    table: tableOf(lines),
    ...{ window, marks },
    levels: [...own, ...(props.levels ?? [])],
    outlooks: props.outlooksOf?.(lines) ?? [],
  };
  return <Canvas kind={kind} places={lines.map((line) => line.place)} log={log} drawing={drawing} onZoom={onZoom} />;
}

/** Points of the longest line. */
function pointsIn(lines: Drawn[]): number {
  return Math.max(0, ...lines.map((line) => line.points.length));
}

/** The lines of the members that are shown, in the order of their colours. */
function drawnOf(history: History | null, members: Members, interval: number): Drawn[] {
  const drawn = (history?.lines ?? []).flatMap((line): Drawn[] => {
    const member = members.of(line.key, line.name);
    return member.shown ? [{ ...line, shownName: member.name, place: member.place, gap: gapSeconds(line.points, interval) }] : [];
  });
  return drawn.sort((a, b) => a.place - b.place);
}

/** What happened at the crosshair, else when it is. */
function UnderPointer({ marks, window }: { marks: Mark[]; window: Window }) {
  const at = usePointer();
  if (at == null) return <span class="grow" />;
  const mark = nearest(marks, at, (window.to - window.from) / 80);
  return <span class="grow muted under-pointer">{mark?.text ?? moment(at, window.to - window.from)}</span>;
}

/** The time of day, with the day where more than one is shown. */
function moment(at: number, span: number): string {
  const day = span > DAY_SECONDS ? `${dayAndMonth(at * 1000)}, ` : '';
  return day + timeOfDay(at * 1000);
}

function emptyReason(kind: ChartKind, loaded: ReturnType<typeof useHistory>): string {
  if (loaded.state === 'failed') return `Not loaded: ${loaded.problem}. Trying again.`;
  return loaded.state === 'shown' ? `Nothing to draw: ${kind.missing}.` : 'Loading …';
}
