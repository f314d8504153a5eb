// The history of one metric of a cluster: loaded for a range, then carried on by live snapshots.

import type { Snapshot } from '../../protocol';
import { memberKey, memberName } from '../../protocol';
import { read } from '../request';
import type { AnsweredSeries, Line } from './line';
import { append, isBucketed, linesOf } from './line';
import type { Window } from './range';

/** Points of one line: more than a chart has pixels to tell apart. */
const POINTS_MAX = 720;
/** Points of all lines of one answer: large clusters get fewer for each. */
const POINTS_IN_ALL = 24_000;
const POINTS_MIN = 120;

export interface History {
  lines: Line[];
  /** Width of a bucket in seconds; null where the points are samples as they were taken. */
  bucket: number | null;
}

/** How many points to ask for, of a cluster of so many members. */
export function pointsFor(members: number): number {
  return Math.max(POINTS_MIN, Math.min(POINTS_MAX, Math.floor(POINTS_IN_ALL / Math.max(1, members))));
}

/** Loads what was measured of `metric` within `window`. */
export async function load(snapshot: Snapshot, metric: string, window: Window, signal: AbortSignal): Promise<History> {
  const points = pointsFor(snapshot.members.length);
  const query = {
    ...{ cluster: snapshot.status.cluster, metric, max_points: String(points) },
    ...{ start: window.from.toFixed(3), end: window.to.toFixed(3) },
  };
  const answer = await read<{ series: AnsweredSeries[] }>('api/v1/metrics/history', query, signal);
  const width = (window.to - window.from) / points;
  const lines = linesOf(answer.series, width, snapshot.status.interval_seconds);
  return { lines, bucket: isBucketed(lines) ? width : null };
}

/** Adds the values of a live snapshot to what was loaded. */
export function carryOn(
  history: History,
  snapshot: Snapshot,
  value: (member: Snapshot['members'][number]) => number | null | undefined,
  oldest: number,
): void {
  const at = Date.parse(snapshot.status.at) / 1000;
  for (const member of snapshot.members) {
    const now = value(member);
    if (now == null || member.id == null) continue;
    append(lineOf(history, memberKey(member), memberName(member)), at, now, history.bucket, oldest);
  }
}

function lineOf(history: History, key: string, name: string): Line {
  const known = history.lines.find((line) => line.key === key);
  if (known != null) return known;
  const made: Line = { key, name, points: [] };
  history.lines.push(made);
  return made;
}
