// Who led when, cut to a window: from the changes that were seen, and from the history's word on whether anyone led.

import type { Leader, LeaderChange } from '../../protocol';
import type { Window } from '../charts/range';

/** A stretch of time with one leader, with none, or of which nobody knows. */
export interface Reign {
  kind: 'leader' | 'none' | 'unknown';
  /** The leader's id; null where there is none or none is known. */
  id: string | null;
  from: number;
  to: number;
}

/** A point of the series `has_leader`: when, and whether every sample in it had a leader. */
export interface Watch {
  at: number;
  led: boolean;
}

/** The reigns within `window`, oldest first and without gaps. `gap` is the pause in seconds that means that nobody watched. */
export function reignsOf(changes: LeaderChange[], leader: Leader | null, watched: Watch[], window: Window, gap: number): Reign[] {
  const known = byChanges(changes, leader, window);
  return known.flatMap((reign) => cut(reign, absences(watched, window, gap)));
}

/** Reigns by the changes alone. */
function byChanges(changes: LeaderChange[], leader: Leader | null, window: Window): Reign[] {
  const seen = changes.length > 0 ? changes : beginning(leader);
  const before = seen[0]?.from ?? null;
  const first: Reign = { kind: before == null ? 'unknown' : 'leader', id: before, from: window.from, to: window.to };
  const reigns = seen.reduce<Reign[]>(
    (list, { at, to }) => [...list, { kind: 'leader', id: to, from: Date.parse(at) / 1000, to: window.to }],
    [first],
  );
  return reigns
    .map((reign, index) => ({ ...reign, from: Math.max(reign.from, window.from), to: Math.min(reigns[index + 1]?.from ?? window.to, window.to) }))
    .filter((reign) => reign.to > reign.from);
}

/** A leader that no change was seen of has led since it was first seen. */
function beginning(leader: Leader | null): LeaderChange[] {
  return leader == null ? [] : [{ at: leader.since, from: null, to: leader.id, term: leader.term }];
}

/** When nobody led, and when nobody watched. */
function absences(watched: Watch[], window: Window, gap: number): Reign[] {
  const found: Reign[] = [];
  let last: Watch = { at: window.from, led: true };
  for (const watch of watched) {
    if (watch.at - last.at > gap) found.push({ kind: 'unknown', id: null, from: last.at, to: watch.at });
    if (!watch.led) found.push({ kind: 'none', id: null, from: last.at, to: watch.at });
    last = watch;
  }
  if (window.to - last.at > gap) found.push({ kind: 'unknown', id: null, from: last.at, to: window.to });
  return found;
}

/** A reign without the absences, which stand in its place. */
function cut(reign: Reign, holes: Reign[]): Reign[] {
  const parts: Reign[] = [];
  let from = reign.from;
  for (const hole of holes) {
    const [start, end] = [Math.max(hole.from, from), Math.min(hole.to, reign.to)];
    if (end <= start) continue;
    if (start > from) parts.push({ ...reign, from, to: start });
    parts.push({ ...hole, from: start, to: end });
    from = end;
  }
  return reign.to > from ? [...parts, { ...reign, from }] : parts;
}

/** Neighbours that say the same, as one. */
export function merged(reigns: Reign[]): Reign[] {
  const list: Reign[] = [];
  for (const reign of reigns) {
    const last = list.at(-1);
    if (last != null && last.kind === reign.kind && last.id === reign.id) last.to = reign.to;
    else list.push({ ...reign });
  }
  return list;
}
