// Who leads, since when, and how often that changed.

import { useContext } from 'preact/hooks';
import type { Leader, LeaderChange, Snapshot } from './protocol';
import { Ago } from './ago';
import { Now } from './clock';
import { span, timeOfDay, whole } from './format';
import { seriesClass } from './palette';
import type { Series } from './samples';
import { Known, Unknown } from './unknown';

/** Changes drawn on the time line; older ones are in the API. */
const CHANGES_SHOWN = 12;

export function LeaderPanel({ snapshot, series }: { snapshot: Snapshot; series: Series[] }) {
  const { leader, leader_changes: changes, leader_history: history, last_answer_at: answered } = snapshot.status;
  const none = answered == null ? 'no member has answered yet' : 'no agreed leader';
  return (
    <section class="card panel" aria-labelledby="leader-title" data-testid="leader">
      <h2 id="leader-title">Leader</h2>
      <p class="figure">
        <span class={leader == null ? '' : 'figure-value'} data-testid="leader-name">
          {leader == null ? <Unknown reason={none} /> : <bdi>{leader.name || leader.id}</bdi>}
        </span>
        <span class="muted">
          {leader == null ? none : <>since <Ago at={leader.since} /> · term {whole(leader.term)}</>}
        </span>
      </p>
      <TimeLine history={history} series={series} leader={leader} />
      <p class="muted">
        leader changes seen: <Known value={changes} reason="no leader was seen yet" show={whole} />
      </p>
    </section>
  );
}

interface Reign {
  key: string;
  id: string;
  /** Null for the reign before the first change that is shown: nobody saw when it began. */
  from: number | null;
  to: number;
}

function TimeLine(props: { history: LeaderChange[]; series: Series[]; leader: Leader | null }) {
  const now = useContext(Now);
  const history = props.history.length > 0 ? props.history.slice(-CHANGES_SHOWN) : beginning(props.leader);
  const reigns = reignsOf(history, now);
  if (reigns.length === 0) return <div class="timeline timeline-empty" />;
  return (
    <ol class="timeline" aria-label="Leaders, oldest first">
      {reigns.map((reign, index) => (
        <Segment reign={reign} series={props.series} key={reign.key} ended={index === reigns.length - 1 && props.leader == null} />
      ))}
    </ol>
  );
}

function Segment({ reign, series, ended }: { reign: Reign; series: Series[]; ended: boolean }) {
  const one = series.find((candidate) => candidate.key === reign.id);
  const name = one?.name ?? reign.id;
  const title = `${name}: ${lasted(reign)}`;
  const classes = ['segment', reign.from == null ? 'segment-before' : '', one == null ? 'series-gone' : seriesClass(one.place), ended ? 'segment-ended' : ''];
  return (
    <li class={classes.join(' ')} style={{ flexGrow: String(weight(reign)) }} title={title}>
      <bdi>{name}</bdi>
      <span class="sr">{title}</span>
    </li>
  );
}

/** A leader that no change was seen of has led since it was first seen. */
function beginning(leader: Leader | null): LeaderChange[] {
  return leader == null ? [] : [{ at: leader.since, from: null, to: leader.id, term: leader.term }];
}

function reignsOf(history: LeaderChange[], now: number): Reign[] {
  const reigns: Reign[] = history.map((change, index) => {
    const from = Date.parse(change.at);
    const next = history[index + 1];
    return { key: `${change.term}-${change.to}`, id: change.to, from, to: next == null ? now : Date.parse(next.at) };
  });
  const first = history[0];
  if (first?.from == null) return reigns;
  return [{ key: 'before', id: first.from, from: null, to: Date.parse(first.at) }, ...reigns];
}

function lasted(reign: Reign): string {
  if (reign.from == null) return `until ${timeOfDay(reign.to)}`;
  return `from ${timeOfDay(reign.from)}, ${span((reign.to - reign.from) / 1000)}`;
}

/** Width by the square root of the duration, so that a short reign beside a long one can still be seen. */
function weight(reign: Reign): number {
  return reign.from == null ? 0 : Math.sqrt(Math.max(1, (reign.to - reign.from) / 1000));
}
