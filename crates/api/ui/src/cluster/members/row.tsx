// One member in the table.

import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import type { Database, Link, Member, Snapshot } from '../../protocol';
import { memberKey, memberName } from '../../protocol';
import { Ago } from '../../ago';
import { Bar } from './bar';
import { Now } from '../../clock';
import { fullTime, latency, percent, size, whole } from '../../format';
import { MemberDetail } from './detail';
import { seriesClass } from '../../palette';
import { Shape } from '../../shape';
import type { State } from '../../state';
import { Known, Unknown } from '../../unknown';
import { certificateDays, peersOf, whyNoCertificate } from './facts';

interface Props {
  snapshot: Snapshot;
  member: Member;
  state: State;
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

export function MemberRow(props: Props) {
  const { snapshot, member, state, place, open, onToggle } = props;
  const key = memberKey(member);
  const detailId = `detail-${key}`;
  return (
    <div class="member" id={`member-${key}`} data-testid={`member-${member.name}`} data-state={state} data-key={key} data-open={open} role="presentation">
      <div class="table-row" role="row">
        <span role="cell" class="member-name">
          <Shape state={state} label={WORD[state]} />
          <button type="button" class="row-button" data-row-button aria-expanded={open} aria-controls={detailId} onClick={onToggle}>
            <bdi>{memberName(member)}</bdi>
          </button>
          {place != null && <span class={`swatch ${seriesClass(place)}`} aria-hidden="true" title="Its colour on the charts" />}
          <Trouble member={member} />
        </span>
        <Values snapshot={snapshot} member={member} />
      </div>
      {open && <MemberDetail id={detailId} member={member} silent={whyNoValue(member)} />}
    </div>
  );
}

function Values({ snapshot, member }: { snapshot: Snapshot; member: Member }) {
  const silent = whyNoValue(member);
  return (
    <>
      <Cell name="role">{member.role === 'unknown' ? <Unknown reason={silent} /> : <span class={`role role-${member.role}`}>{member.role}</span>}</Cell>
      <Cell name="version">
        <Known value={member.version} reason={silent} show={(version) => version} />
      </Cell>
      <Cell name="db / quota" wide right>
        <Known value={member.database} reason={silent} show={(database) => <DatabaseCell database={database} />} />
      </Cell>
      <Cell name="lag" right>
        <Lag member={member} leader={leaderOf(snapshot)} silent={silent} />
      </Cell>
      <Cell name="read p99" right>
        <Known value={member.read_latency} reason={whyNoRead(member)} show={(read) => latency(read.p99_seconds)} />
      </Cell>
      <Cell name="fsync p99" right>
        <Fsync member={member} silent={silent} />
      </Cell>
      <Cell name="peers" right>
        <PeersHeard member={member} links={snapshot.links ?? []} />
      </Cell>
      <Cell name="cert" right>
        <Certificate member={member} silent={silent} />
      </Cell>
      <Cell name="up since" right>
        <UpSince member={member} silent={silent} />
      </Cell>
    </>
  );
}

/** The member whose status says that it leads; its committed index is what the others are compared with. */
function leaderOf(snapshot: Snapshot): Member | null {
  return snapshot.members.find((member) => member.role === 'leader') ?? null;
}

function Fsync({ member, silent }: { member: Member; silent: string }) {
  if (member.counters == null) return <Unknown reason={member.raft == null ? silent : 'its metrics are missing'} />;
  const fsync = member.metrics?.disk.wal_fsync;
  const least = fsync?.p99_seconds != null && fsync.p99_seconds === fsync.saturated_at_seconds ? '≥ ' : '';
  return <Known value={fsync?.p99_seconds} reason="no fsync was seen in the last 5 minutes" show={(seconds) => `${least}${latency(seconds)}`} />;
}

function PeersHeard({ member, links }: { member: Member; links: Link[] }) {
  const peers = peersOf(member, links);
  if (peers == null) return <Unknown reason="it has no peer, or none is known" />;
  if (peers.known === 0) return <Unknown reason={peers.reason ?? 'no link to it is known'} />;
  const silent = peers.failing.length > 0 && <Shape state="warning" label={`does not hear ${peers.failing.join(', ')}`} />;
  const title = peers.failing.length > 0 ? `does not hear ${peers.failing.join(', ')}` : (peers.reason ?? 'it hears every peer');
  return (
    <a class="quiet-link" href="#links" title={title}>
      {silent} {peers.heard}/{peers.all}
    </a>
  );
}

function Certificate({ member, silent }: { member: Member; silent: string }) {
  const days = certificateDays(member, useContext(Now));
  const title = member.trust?.certificates_end_at == null ? '' : `ends ${fullTime(Date.parse(member.trust.certificates_end_at))}`;
  return <Known value={days} reason={whyNoCertificate(member, silent)} show={(left) => <span title={title}>{left < 0 ? 'ended' : `${left} d`}</span>} />;
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

function whyNoRead(member: Member): string {
  if (member.role === 'learner') return 'a learner serves no linearizable reads';
  return 'no linearizable read succeeded in the last 5 minutes';
}
