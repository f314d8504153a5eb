// The links between members as a table: from the row to the column.

import type { Link, Member } from '../../protocol';
import { memberName } from '../../protocol';
import type { State } from '../../state';

export interface End {
  id: string;
  name: string;
}

export interface Row {
  from: End;
  /** In the order of the ends; null on the diagonal and where no link is told of. */
  cells: (Link | null)[];
}

export interface Matrix {
  ends: End[];
  rows: Row[];
}

/** Brings the links into the order of the members; ends that are no members (any more) come last. */
export function matrixOf(members: Member[], links: Link[]): Matrix {
  const ends = new Map<string, End>();
  const named = new Set(links.flatMap((link) => [link.from, link.to]));
  for (const member of members) if (member.id != null && named.has(member.id)) ends.set(member.id, { id: member.id, name: memberName(member) });
  for (const link of links) {
    if (!ends.has(link.from)) ends.set(link.from, { id: link.from, name: link.from_name });
    if (!ends.has(link.to)) ends.set(link.to, { id: link.to, name: link.to_name });
  }
  const all = [...ends.values()];
  const found = new Map(links.map((link) => [`${link.from}/${link.to}`, link]));
  const rows = all.map((from) => ({ from, cells: all.map((to) => found.get(`${from.id}/${to.id}`) ?? null) }));
  return { ends: all, rows };
}

/** The state of a link as the page shows states: in one direction bytes are lost, or they may be. */
export function linkState(link: Pick<Link, 'state'>): State {
  if (link.state === 'well') return 'healthy';
  if (link.state === 'unknown') return 'unknown';
  return link.state === 'failing' ? 'critical' : 'warning';
}

export const STATE_WORD: Record<Link['state'], string> = {
  well: 'well',
  failing: 'failing',
  failing_either_way: 'failing in one direction or both',
  unknown: 'not known',
};

/** Links that are not well, failing ones first. */
export function troubled(links: Link[]): Link[] {
  const rank = (link: Link) => ['failing', 'failing_either_way', 'unknown'].indexOf(link.state);
  return links.filter((link) => link.state !== 'well').sort((a, b) => rank(a) - rank(b));
}

/** Links of one sender in one state. */
export interface Trouble {
  state: Link['state'];
  from: string;
  to: string[];
  /** Of the first of them: the others' differ in the name. */
  reason: string;
}

/** Troubled links by sender and state, in their order: a member that is away troubles every link that it has. */
export function bySender(links: Link[]): Trouble[] {
  const groups = new Map<string, Trouble>();
  for (const link of links) {
    const key = `${link.from}/${link.state}`;
    const group = groups.get(key) ?? { state: link.state, from: link.from_name, to: [], reason: link.reason };
    group.to.push(link.to_name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The links in a sentence: `6 of 6 links carry bytes`. */
export function summary(links: Link[]): string {
  const [well, unknown] = [links.filter((link) => link.state === 'well').length, links.filter((link) => link.state === 'unknown').length];
  const failing = links.length - well - unknown;
  const parts = [`${well} of ${links.length} links carry bytes`];
  if (failing > 0) parts.push(`${failing} failing`);
  if (unknown > 0) parts.push(`${unknown} not known`);
  return parts.join(' · ');
}
