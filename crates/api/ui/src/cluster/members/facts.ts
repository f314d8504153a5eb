// What the table concludes about a member from more than the member itself.

import type { Link, Member } from '../../protocol';
import { memberName } from '../../protocol';

const DAY_SECONDS = 86_400;

/** How many of its peers a member hears, and of how many that is known. */
export interface Peers {
  heard: number;
  known: number;
  all: number;
  /** Names of those that it does not hear, or that may not hear it. */
  failing: string[];
  /** Why a link is not known; null where all are. */
  reason: string | null;
}

/** What arrives at `member` from its peers; null where no link to it is watched. */
export function peersOf(member: Member, links: Link[]): Peers | null {
  const incoming = links.filter((link) => link.to === member.id);
  if (incoming.length === 0) return null;
  const known = incoming.filter((link) => link.state !== 'unknown');
  return {
    heard: incoming.filter((link) => link.state === 'well').length,
    known: known.length,
    all: incoming.length,
    failing: known.filter((link) => link.state !== 'well').map((link) => link.from_name),
    reason: incoming.find((link) => link.state === 'unknown')?.reason ?? null,
  };
}

/** Whole days until the first certificate of the member ends, negative after it; null where none was seen. */
export function certificateDays(member: Member, now: number): number | null {
  const ends = member.trust?.certificates_end_at;
  return ends == null ? null : Math.floor((Date.parse(ends) - now) / 1000 / DAY_SECONDS);
}

/** Why there are no certificate days. */
export function whyNoCertificate(member: Member, silent: string): string {
  if (member.endpoint.startsWith('http://')) return 'the monitor speaks plain HTTP to it';
  return member.raft == null ? silent : 'no certificate was seen yet';
}

/** The rows to show and their order: as the daemon has them, those that match only. */
export function matching(members: Member[], filter: string): Member[] {
  const wanted = filter.trim().toLowerCase();
  return members.filter((member) => textOf(member).includes(wanted));
}

function textOf(member: Member): string {
  const { name, id, endpoint, role, version, client_urls } = member;
  return [name, id, endpoint, role, version, ...client_urls].join(' ').toLowerCase();
}

/** The text below the table when it has no rows. */
export function emptyReason(members: Member[], filter: string): string {
  return members.length === 0 ? 'No member is known yet.' : `No member matches “${filter}”.`;
}


/** How many members run which version, the most frequent first: `3.7.3` or `3.7.3 (2), 3.6.1 (1)`; null where none is known. */
export function versionsOf(members: Member[]): string | null {
  const counts = new Map<string, number>();
  for (const { version } of members) if (version != null) counts.set(version, (counts.get(version) ?? 0) + 1);
  const list = [...counts].sort((a, b) => b[1] - a[1]);
  if (list.length <= 1) return list[0]?.[0] ?? null;
  return list.map(([version, count]) => `${version} (${count})`).join(', ');
}

/** The member whose certificate ends first, and when; null where no certificate was seen. */
export function firstCertificate(members: Member[]): { name: string; ends: string } | null {
  const seen = members.flatMap((member) => (member.trust?.certificates_end_at == null ? [] : [{ name: memberName(member), ends: member.trust.certificates_end_at }]));
  return seen.sort((a, b) => Date.parse(a.ends) - Date.parse(b.ends))[0] ?? null;
}
