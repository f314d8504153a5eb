// One member in the table.

import type { ComponentChildren } from 'preact';
import type { Database, Member } from './protocol';
import { memberKey, memberName } from './protocol';
import { Ago } from './ago';
import { Bar } from './bar';
import { latency, percent, size, whole } from './format';
import { MemberDetail } from './member-detail';
import { seriesClass } from './palette';
import { Shape } from './shape';
import type { State } from './state';
import { Known, Unknown } from './unknown';

interface Props {
  member: Member;
  state: State;
  leader: Member | null;
  place: number | null;
  open: boolean;
  onToggle: () => void;
}

const WORD: Record<State, string> = {
  critical: 'critical',
  warning: 'warning',
  info: 'information',
  healthy: 'healthy',
  unknown: 'health not known',
};

export function MemberRow({ member, state, leader, place, open, onToggle }: Props) {
  const silent = whyNoValue(member);
  const detailId = `detail-${memberKey(member)}`;
  return (
    <div class="member" id={`member-${memberKey(member)}`} data-testid={`member-${member.name}`} data-state={state} role="rowgroup">
      <div class="table-row" role="row">
        <span role="cell" class="member-name">
          <Shape state={state} label={WORD[state]} />
          <button type="button" class="row-button" data-row-button aria-expanded={open} aria-controls={detailId} onClick={onToggle}>
            <bdi>{memberName(member)}</bdi>
          </button>
          {place != null && <span class={`swatch ${seriesClass(place)}`} aria-hidden="true" title="Its colour on the charts" />}
          <Trouble member={member} />
        </span>
        <Cell name="role">{member.role === 'unknown' ? <Unknown reason={silent} /> : <span class={`role role-${member.role}`}>{member.role}</span>}</Cell>
        <Cell name="version">
          <Known value={member.version} reason={silent} show={(version) => version} />
        </Cell>
        <Cell name="db / quota" wide>
          <Known value={member.database} reason={silent} show={(database) => <DatabaseCell database={database} />} />
        </Cell>
        <Cell name="lag" right>
          <Lag member={member} leader={leader} silent={silent} />
        </Cell>
        <Cell name="last read" right>
          <Known value={member.last_read_seconds} reason={whyNoRead(member, silent)} show={latency} />
        </Cell>
        <Cell name="read p99" right>
          <Known value={member.read_latency} reason="no read succeeded in the last 5 minutes" show={(read) => latency(read.p99_seconds)} />
        </Cell>
        <Cell name="up since" right>
          <UpSince member={member} silent={silent} />
        </Cell>
        <Cell name="last answer" right>
          <Known value={member.last_answer_at} reason="it never answered" show={(at) => <Ago at={at} suffix=" ago" />} />
        </Cell>
      </div>
      {open && <MemberDetail id={detailId} member={member} silent={silent} />}
    </div>
  );
}

function Cell(props: { name: string; right?: boolean; wide?: boolean; children: ComponentChildren }) {
  const classes = [props.right ? 'right' : '', props.wide ? 'wide' : ''].join(' ');
  return (
    <span role="cell" class={classes} data-label={props.name}>
      {props.children}
    </span>
  );
}

/** In two or three words what is wrong with the member; the whole message is in its details. */
function Trouble({ member }: { member: Member }) {
  const words = troubleOf(member);
  if (words == null) return null;
  return (
    <span class="failure" title={member.failure?.message}>
      {words}
    </span>
  );
}

function troubleOf(member: Member): string | null {
  if (member.healthy === true) return member.linearizable === false ? 'no linearizable reads' : null;
  return member.failure?.kind.replaceAll('_', ' ') ?? null;
}

function DatabaseCell({ database }: { database: Database }) {
  const { allocated_bytes: allocated, quota_bytes: quota } = database;
  const of = database.quota_disabled ? 'no quota' : quota == null ? null : size(quota);
  return (
    <span class="database" title={`${size(database.in_use_bytes)} in use`}>
      <span>
        {size(allocated)} <span class="muted">/ {of ?? <Unknown reason="the member does not report its quota" />}</span>
      </span>
      {quota != null && quota > 0 && <Bar share={allocated / quota} label={`${percent(allocated / quota)} of the quota`} />}
    </span>
  );
}

/** A member that did not answer this cycle is not known to be up, whatever it said before. */
function UpSince({ member, silent }: { member: Member; silent: string }) {
  if (member.raft == null) return <Unknown reason={silent} />;
  const reason = 'the member does not say (its metrics are missing)';
  return <Known value={member.started_at} reason={reason} show={(at) => <Ago at={at} />} />;
}

function Lag({ member, leader, silent }: { member: Member; leader: Member | null; silent: string }) {
  const applied = member.raft?.applied_index;
  const committed = leader?.raft?.committed_index;
  if (member.raft == null) return <Unknown reason={silent} />;
  if (committed == null) return <Unknown reason="there is no leader to compare with" />;
  if (applied == null) return <Unknown reason="the member does not report its applied index" />;
  // The members are not asked at the same instant: a follower may answer later than the leader and be ahead of it.
  return <span title={`leader committed ${whole(committed)}, applied here ${whole(applied)}`}>{whole(Math.max(0, committed - applied))}</span>;
}

/** Why a value of this cycle is missing. */
function whyNoValue(member: Member): string {
  if (member.failure != null) return member.failure.message || member.failure.kind;
  return member.healthy == null ? 'nothing is known of this member yet' : 'the member does not report it';
}

function whyNoRead(member: Member, silent: string): string {
  if (member.role === 'learner') return 'a learner serves no linearizable reads';
  return member.linearizable === false ? `the linearizable read failed: ${silent}` : silent;
}
