// The members table. On a phone each row is a card; of a long table only the rows that are near are there.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Member, Snapshot } from '../../protocol';
import { memberKey } from '../../protocol';
import { memberState } from '../../state';
import { placeOf } from '../charts/members';
import { emptyReason, matching } from './facts';
import { MemberRow } from './row';
import { ROWS_MAX, useRows } from './window';

const COLUMNS: { name: string; title?: string; right?: boolean }[] = [
  { name: 'member' },
  { name: 'role' },
  { name: 'version' },
  { name: 'db / quota', title: 'Allocated size of the backend file, and its quota', right: true },
  { name: 'lag', title: 'Entries that the leader has committed and this member has not applied yet', right: true },
  { name: 'read p99', title: "The monitor's linearizable reads of the last 5 minutes, 99th percentile", right: true },
  { name: 'fsync p99', title: 'fsyncs of the write-ahead log in the last 5 minutes, 99th percentile', right: true },
  { name: 'peers', title: 'Peers that it hears, of those that it has', right: true },
  { name: 'cert', title: 'Days until its first certificate ends', right: true },
  { name: 'up since', right: true },
];
/** Heights in pixels before a row was measured. */
const ROW_HEIGHT = 49;
const ROW_HEIGHT_OPEN = 340;
const CARD_HEIGHT = 190;

export function Members({ snapshot, filter }: { snapshot: Snapshot; filter: string }) {
  const [open, toggle] = useOpenRows();
  const body = useRef<HTMLDivElement>(null);
  const shown = matching(snapshot.members, filter);
  const measured = useRef(new Map<string, number>());
  const rows = useRows(body, shown.map((member) => heightOf(memberKey(member), open, measured.current)));
  useEffect(() => measure(body.current, measured.current));
  const isLong = shown.length > ROWS_MAX;
  return (
    <section class="card members" id="members" tabIndex={-1} aria-labelledby="members-title">
      <h2 id="members-title">
        Members <span class="muted">{shown.length < snapshot.members.length ? `${shown.length} of ${snapshot.members.length}` : shown.length}</span>
      </h2>
      <div class={isLong ? 'table table-long' : 'table'} role="table" aria-labelledby="members-title" aria-rowcount={shown.length + 1} onKeyDown={moveByArrow}>
        <Head />
        <div class="table-body" role="rowgroup" ref={body}>
          {rows.before > 0 && <div class="table-space" role="presentation" style={{ height: `${rows.before}px` }} />}
          {shown.slice(rows.first, rows.last).map((member) => (
            <Row snapshot={snapshot} member={member} open={open.has(memberKey(member))} onToggle={toggle} key={memberKey(member)} />
          ))}
          {rows.after > 0 && <div class="table-space" role="presentation" style={{ height: `${rows.after}px` }} />}
        </div>
      </div>
      {shown.length === 0 && <p class="empty">{emptyReason(snapshot.members, filter)}</p>}
    </section>
  );
}

function Head() {
  return (
    <div class="table-head" role="row">
      {COLUMNS.map((column) => (
        <span role="columnheader" class={column.right ? 'right' : ''} title={column.title} key={column.name}>
          {column.name}
        </span>
      ))}
    </div>
  );
}

function Row({ snapshot, member, open, onToggle }: { snapshot: Snapshot; member: Member; open: boolean; onToggle: (key: string) => void }) {
  const key = memberKey(member);
  return (
    <MemberRow
      snapshot={snapshot}
      member={member}
      state={memberState(member, snapshot.findings)}
      place={member.id == null ? null : placeOf(snapshot.status.cluster, key)}
      open={open}
      onToggle={() => onToggle(key)}
    />
  );
}

function heightOf(key: string, open: Set<string>, measured: Map<string, number>): number {
  const guess = innerWidth < 900 ? CARD_HEIGHT : ROW_HEIGHT;
  return measured.get(`${key}/${open.has(key)}`) ?? (open.has(key) ? ROW_HEIGHT_OPEN : guess);
}

/** Notes the heights of the rows that are there. */
function measure(body: HTMLElement | null, measured: Map<string, number>): void {
  if (body == null || body.children.length <= ROWS_MAX) return;
  for (const row of body.querySelectorAll<HTMLElement>('[data-key]')) {
    measured.set(`${row.dataset['key']}/${row.dataset['open']}`, row.offsetHeight);
  }
}

/** The rows that are open: kept in the page, one of them in the address (`#member-ID`). */
function useOpenRows(): [Set<string>, (key: string) => void] {
  const [open, setOpen] = useState(() => new Set(memberInAddress()));
  useEffect(() => {
    const onHash = () => setOpen((rows) => new Set([...rows, ...memberInAddress()]));
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  const toggle = (key: string) => {
    const rows = new Set(open);
    if (!rows.delete(key)) {
      rows.add(key);
      history.replaceState(null, '', `#member-${encodeURIComponent(key)}`);
    }
    setOpen(rows);
  };
  return [open, toggle];
}

function memberInAddress(): string[] {
  const found = /^#member-(.+)$/.exec(location.hash)?.[1];
  try {
    return found == null ? [] : [decodeURIComponent(found)];
  } catch {
    return [];
  }
}

/** Arrow keys move between the rows, Home and End to the first and the last that are there. */
function moveByArrow(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row-button]')];
  const place = rows.indexOf(document.activeElement as HTMLElement);
  const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (next == null || place < 0) return;
  event.preventDefault();
  rows[next]?.focus();
}
