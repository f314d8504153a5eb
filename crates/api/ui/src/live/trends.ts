// The read p99 of each cluster over the last minutes, as the list of clusters told it. Bounded.

import type { ClusterSummary } from '../protocol';
import type { Trend } from './messages';

const POINTS = 48;
/** The list comes whenever something changes; a point is not worth more than this. */
const POINT_EVERY_MS = 4_000;

export class Trends {
  private trends = new Map<string, Trend>();
  private latest = -Infinity;

  /** Takes the lines that came at `now` (milliseconds); clusters that are gone are forgotten. */
  add(clusters: ClusterSummary[], now: number): Record<string, Trend> {
    const next = new Map<string, Trend>();
    const counts = now - this.latest >= POINT_EVERY_MS;
    for (const { cluster, read_p99_seconds } of clusters) {
      const known = this.trends.get(cluster) ?? [];
      next.set(cluster, counts ? [...known, read_p99_seconds ?? null].slice(-POINTS) : known);
    }
    if (counts) this.latest = now;
    this.trends = next;
    return Object.fromEntries(next);
  }
}
