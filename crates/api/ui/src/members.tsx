// The members table. On a phone each row is a card.

import { useEffect, useState } from 'preact/hooks';
import type { Member, Snapshot } from './protocol';
import { memberKey } from './protocol';
import { MemberRow } from './member-row';
import type { Series } from './samples';
import { memberState } from './state';

const COLUMNS: { name: string; title?: string; right?: boolean }[] = [
  { name: 'member' },
  { name: 'role' },
  { name: 'version' },
  { name: 'db / quota', title: 'Allocated size of the backend file, and its quota' },
  { name: 'lag', title: "Entries that the leader has committed and this member has not applied yet", right: true },
  { name: 'last read', title: "This cycle's linearizable read through the member", right: true },
  { name: 'read p99', title: 'Linearizable reads of the last 5 minutes, 99th percentile', right: true },
  { name: 'up since', right: true },
  { name: 'last answer', right: true },
];

export function Members({ snapshot, filter, series }: { snapshot: Snapshot; filter: string; series: Series[] }) {
  const [open, toggle] = useOpenRows();
  const shown = snapshot.members.filter((member) => matches(member, filter));
  return (
    <section class="card members" id="members" tabIndex={-1} aria-labelledby="members-title">
      <h2 id="members-title">Members</h2>
      <div class="table" role="table" aria-labelledby="members-title" onKeyDown={moveByArrow}>
        <div class="table-head" role="row">
          {COLUMNS.map((column) => (
            <span role="columnheader" class={column.right ? 'right' : ''} title={column.title} key={column.name}>
              {column.name}
            </span>
          ))}
        </div>
        {shown.map((member) => {
          const key = memberKey(member);
          return (
            <MemberRow
              key={key}
              member={member}
              state={memberState(member, snapshot.findings)}
              leader={leaderOf(snapshot)}
              place={series.find((one) => one.key === key)?.place ?? null}
              open={open.has(key)}
              onToggle={() => toggle(key)}
            />
          );
        })}
      </div>
      {shown.length === 0 && <p class="empty">{emptyReason(snapshot, filter)}</p>}
    </section>
  );
}

/** The member whose status says that it leads; its committed index is what the others are compared with. */
function leaderOf(snapshot: Snapshot): Member | null {
  return snapshot.members.find((member) => member.role === 'leader') ?? null;
}

function matches(member: Member, filter: string): boolean {
  const text = [member.name, member.id, member.endpoint, member.role, member.version, ...member.client_urls].join(' ');
  return text.toLowerCase().includes(filter.trim().toLowerCase());
}

function emptyReason(snapshot: Snapshot, filter: string): string {
  return snapshot.members.length === 0 ? 'No member is known yet.' : `No member matches “${filter}”.`;
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

/** Arrow keys move between the rows. */
function moveByArrow(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row-button]')];
  const place = rows.indexOf(document.activeElement as HTMLElement);
  if (step === 0 || place < 0) return;
  event.preventDefault();
  rows[place + step]?.focus();
}
