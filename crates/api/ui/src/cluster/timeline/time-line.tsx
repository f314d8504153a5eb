// The time line: who led when, and what happened, on the same axis of time as the charts.

import { useEffect, useState } from 'preact/hooks';
import { href } from '../../address';
import { span, timeOfDay } from '../../format';
import { seriesClass } from '../../palette';
import type { Snapshot } from '../../protocol';
import { Shape } from '../../shape';
import type { Shared } from '../charts/chart';
import { pointAt, usePointer } from '../charts/cursor';
import { pointsFor } from '../charts/history';
import type { Mark } from '../charts/marks';
import { within } from '../charts/marks';
import type { Members } from '../charts/members';
import type { Window } from '../charts/range';
import { isLive, rangeKey } from '../charts/range';
import { timeLabels } from '../charts/plot-style';
import { read } from '../request';
import type { Reign, Watch } from './reigns';
import { merged, reignsOf } from './reigns';

/** Marks closer than this share of the line stand in one place. */
const MARK_SHARE = 0.012;
const TICKS = 6;

export function TimeLine(props: Shared & { seen: boolean }) {
  const { snapshot, members, window, marks } = props;
  const watched = useWatched(props);
  const { leader, leader_history: changes, interval_seconds: interval } = snapshot.status;
  const gap = 2.5 * Math.max(interval, (window.to - window.from) / pointsFor(snapshot.members.length));
  const reigns = merged(reignsOf(changes, leader, watched ?? everWatched(window, gap), window, gap));
  return (
    <div class="card time-line" data-testid="time-line">
      <div class="time-row">
        <h3>Leader</h3>
        <ol class="bands" aria-label="Leaders, oldest first" {...pointing(window)}>
          {reigns.map((reign) => (
            <Band reign={reign} window={window} members={members} key={`${reign.kind}/${reign.id}/${reign.from}`} />
          ))}
          <Pointer window={window} />
        </ol>
      </div>
      <div class="time-row">
        <h3>Events</h3>
        <Events marks={within(marks, window.from, window.to)} window={window} cluster={snapshot.status.cluster} />
      </div>
      <div class="time-row" aria-hidden="true">
        <span />
        <Ticks window={window} />
      </div>
    </div>
  );
}

/** The samples of `has_leader` in the window, and those that came live; null until they are loaded. */
function useWatched({ snapshot, range, window, seen }: Shared & { seen: boolean }): Watch[] | null {
  const [watched, setWatched] = useState<Watch[] | null>(null);
  const { cluster, at, leader } = snapshot.status;
  useEffect(() => {
    if (!seen) return undefined;
    const control = new AbortController();
    loadWatched(snapshot, window, control.signal).then(setWatched, () => setWatched(null));
    return () => control.abort();
  }, [cluster, rangeKey(range), seen]);
  useEffect(() => {
    if (!isLive(range)) return;
    const now = { at: Date.parse(at) / 1000, led: leader != null };
    setWatched((old) => old && [...old.filter((watch) => watch.at > window.from && watch.at < now.at), now]);
  }, [at]);
  return watched;
}

async function loadWatched(snapshot: Snapshot, window: Window, signal: AbortSignal): Promise<Watch[]> {
  const query = {
    ...{ cluster: snapshot.status.cluster, metric: 'has_leader', max_points: String(pointsFor(1)) },
    ...{ start: window.from.toFixed(3), end: (window.to + 1).toFixed(3) },
  };
  const answer = await read<{ series: { points: number[][] }[] }>('api/v1/metrics/history', query, signal);
  return (answer.series[0]?.points ?? []).map(([at = 0, mean = 0, low]) => ({ at, led: (low ?? mean) > 0 }));
}

/** While the history is not there, the changes alone are shown. */
function everWatched(window: Window, gap: number): Watch[] {
  const count = Math.ceil((window.to - window.from) / gap) + 1;
  return Array.from({ length: count }, (_, index) => ({ at: window.from + index * gap, led: true }));
}

function Band({ reign, window, members }: { reign: Reign; window: Window; members: Members }) {
  const member = reign.id == null ? null : members.of(reign.id, members.nameOf(reign.id));
  const name = member?.name ?? (reign.kind === 'none' ? 'no leader' : 'not known');
  const title = `${name}: ${timeOfDay(reign.from * 1000)} to ${timeOfDay(reign.to * 1000)}, ${span(reign.to - reign.from)}`;
  const look = member == null ? `band-${reign.kind}` : seriesClass(member.place);
  return (
    <li class={`band ${look}`} style={place(reign.from, reign.to, window)} title={title} data-kind={reign.kind} data-leader={member?.name}>
      <bdi>{name}</bdi>
      <span class="sr">{title}</span>
    </li>
  );
}

interface Group {
  at: number;
  marks: Mark[];
}

function Events({ marks, window, cluster }: { marks: Mark[]; window: Window; cluster: string }) {
  const groups = grouped(marks, (window.to - window.from) * MARK_SHARE);
  if (groups.length === 0) return <p class="events-none muted">nothing fired, nobody was elected</p>;
  return (
    <ol class="event-marks" aria-label="Events, oldest first" {...pointing(window)}>
      {groups.map((group) => (
        <EventMark group={group} window={window} cluster={cluster} key={group.at} />
      ))}
    </ol>
  );
}

function EventMark({ group, window, cluster }: { group: Group; window: Window; cluster: string }) {
  const worst = group.marks.reduce((found, mark) => (RANK[mark.kind] > RANK[found.kind] ? mark : found));
  const text = group.marks.map((mark) => `${timeOfDay(mark.at * 1000)} ${mark.text}`).join('\n');
  const address = worst.alert == null ? null : href({ view: 'alerts', tab: 'history', cluster, alert: worst.alert });
  const shown = (
    <>
      {worst.kind === 'leader' ? <span class="leader-mark" aria-hidden="true" /> : <Shape state={worst.kind === 'resolved' ? 'healthy' : worst.kind} />}
      <span class="sr">{text}</span>
      {group.marks.length > 1 && <span class="mark-count" aria-hidden="true">{group.marks.length}</span>}
    </>
  );
  return (
    <li class="event-mark" style={place(group.at, group.at, window)} title={text} data-kind={worst.kind}>
      {address == null ? <span>{shown}</span> : <a href={address}>{shown}</a>}
    </li>
  );
}

const RANK: Record<Mark['kind'], number> = { resolved: 0, leader: 1, info: 2, warning: 3, critical: 4 };

/** Marks that stand too close to be told apart, together. */
function grouped(marks: Mark[], tolerance: number): Group[] {
  const groups: Group[] = [];
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    const last = groups.at(-1);
    if (last != null && mark.at - last.at < tolerance) last.marks.push(mark);
    else groups.push({ at: mark.at, marks: [mark] });
  }
  return groups;
}

function Ticks({ window }: { window: Window }) {
  const step = (window.to - window.from) / TICKS;
  const times = Array.from({ length: TICKS }, (_, index) => window.from + index * step);
  return (
    <div class="ticks">
      {timeLabels(null, times).map((text, index) => (
        <span style={place(times[index] ?? 0, times[index] ?? 0, window)} key={index}>
          {text}
        </span>
      ))}
    </div>
  );
}

function Pointer({ window }: { window: Window }) {
  const at = usePointer();
  if (at == null || at < window.from || at > window.to) return null;
  return <li class="band-pointer" style={place(at, at, window)} aria-hidden="true" />;
}

function place(from: number, to: number, window: Window): { left: string; width?: string } {
  const share = (at: number) => (100 * (at - window.from)) / (window.to - window.from);
  const left = `${share(from).toFixed(3)}%`;
  return to > from ? { left, width: `${(share(to) - share(from)).toFixed(3)}%` } : { left };
}

/** Moves the crosshair of all charts with the pointer on the line. */
function pointing(window: Window) {
  const at = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return window.from + ((event.clientX - box.left) / box.width) * (window.to - window.from);
  };
  return {
    onPointerMove: (event: PointerEvent & { currentTarget: HTMLElement }) => pointAt(at(event)),
    onPointerLeave: () => pointAt(null),
  };
}
