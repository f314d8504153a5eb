// The lines of the fleet: which are shown, in which order, and what they come to.

import type { FleetSort } from '../address';
import type { ClusterSummary } from '../protocol';
import type { State } from '../state';
import { clusterState } from '../state';

/** Worst first; what is not known may be anything, and stands before what is known to be well. */
export const STATES: readonly State[] = ['critical', 'warning', 'unknown', 'info', 'healthy'];

type Order = (a: ClusterSummary, b: ClusterSummary) => number;

/** The lines that have every word of `filter`, in order. */
export function rows(clusters: ClusterSummary[], sort: FleetSort, filter: string): ClusterSummary[] {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return clusters.filter((line) => words.every((word) => textOf(line).includes(word))).sort(ORDERS[sort]);
}

/** How many clusters are in each state. */
export function counts(clusters: ClusterSummary[]): Record<State, number> {
  const found: Record<State, number> = { critical: 0, warning: 0, unknown: 0, info: 0, healthy: 0 };
  for (const line of clusters) found[clusterState(line)] += 1;
  return found;
}

/** The fleet in one sentence. */
export function sentence(clusters: ClusterSummary[]): string {
  const found = counts(clusters);
  const all = clusters.length;
  if (found.critical > 0) return `${share(found.critical, all)} critical${named(clusters, 'critical')}`;
  if (found.warning > 0) return `${share(found.warning, all)} to be looked at${named(clusters, 'warning')}`;
  if (found.unknown > 0) return `${share(found.unknown, all)} not known to be well${named(clusters, 'unknown')}`;
  return all === 1 ? 'The only cluster is healthy' : `All ${all} clusters are healthy`;
}

function share(some: number, all: number): string {
  if (some === all) return all === 1 ? 'The only cluster is' : `All ${all} clusters are`;
  return `${some} of ${all} clusters ${some === 1 ? 'is' : 'are'}`;
}

/** Names are said where there are few. */
function named(clusters: ClusterSummary[], state: State): string {
  const names = clusters.filter((line) => clusterState(line) === state).map((line) => line.cluster);
  return names.length <= 2 && clusters.length > 1 ? `: ${names.join(', ')}` : '';
}

const collator = new Intl.Collator('en', { numeric: true });
const byName: Order = (a, b) => collator.compare(a.cluster, b.cluster);
const byState: Order = (a, b) => STATES.indexOf(clusterState(a)) - STATES.indexOf(clusterState(b));
const moment = (line: ClusterSummary) => (line.since == null ? Infinity : Date.parse(line.since));
const bySince: Order = (a, b) => compare(moment(a), moment(b));
const latency = (line: ClusterSummary) => line.read_p99_seconds ?? -1;

const ORDERS: Record<FleetSort, Order> = {
  worst: (a, b) => byState(a, b) || bySince(a, b) || byName(a, b),
  name: byName,
  since: (a, b) => bySince(a, b) || byName(a, b),
  latency: (a, b) => compare(latency(b), latency(a)) || byName(a, b),
};

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function textOf(line: ClusterSummary): string {
  return [line.cluster, line.sentence, line.leader ?? '', clusterState(line), ...(line.versions ?? [])].join(' ').toLowerCase();
}
