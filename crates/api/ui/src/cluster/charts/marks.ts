// What happened when: leader changes and alerts, the same on every chart and on the time line.

import type { AlertEvent, LeaderChange, Severity } from '../../protocol';

export interface Mark {
  /** Unix seconds. */
  at: number;
  kind: 'leader' | Severity | 'resolved';
  /** In words; may quote names of members. */
  text: string;
  /** The alert that it is of. */
  alert: string | null;
}

/** Marks of leader changes; `nameOf` tells a member's name by its id. */
export function leaderMarks(changes: LeaderChange[], nameOf: (id: string) => string): Mark[] {
  return changes.map(({ at, from, to }) => ({
    at: Date.parse(at) / 1000,
    kind: 'leader',
    text: from == null ? `${nameOf(to)} leads` : `leader ${nameOf(from)} → ${nameOf(to)}`,
    alert: null,
  }));
}

/** Marks of alerts that fired and resolved. */
export function alertMarks(events: AlertEvent[]): Mark[] {
  return events.flatMap(({ at, kind, alert }) => {
    if (kind !== 'fired' && kind !== 'resolved') return [];
    const shown = kind === 'fired' ? alert.severity : ('resolved' as const);
    return [{ at: Date.parse(at) / 1000, kind: shown, text: `${alert.rule} of ${alert.subject.name} ${kind}`, alert: alert.id }];
  });
}

/** Events without repetition, oldest first: what came live repeats what was loaded. */
export function joined(loaded: AlertEvent[], live: AlertEvent[]): AlertEvent[] {
  const known = new Map([...loaded, ...live].map((event) => [`${event.alert.id}/${event.kind}/${event.at}`, event]));
  return [...known.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** The marks within a window. */
export function within(marks: Mark[], from: number, to: number): Mark[] {
  return marks.filter((mark) => mark.at >= from && mark.at <= to);
}

/** The mark nearest to `at`, if it is at most `tolerance` seconds away. */
export function nearest(marks: Mark[], at: number, tolerance: number): Mark | null {
  let found: Mark | null = null;
  for (const mark of marks) {
    const distance = Math.abs(mark.at - at);
    if (distance <= tolerance && (found == null || distance < Math.abs(found.at - at))) found = mark;
  }
  return found;
}
