// How fresh the shown data is, and why when it is not.

import type { FeedState } from './feed';
import { ageSeconds, secondsSince } from './clock';

/** Past this many intervals the page dims. */
const STALE_INTERVALS = 2;
/** Very short intervals would flicker between two renderings. */
const STALE_MIN_SECONDS = 3;

export type Freshness =
  | { kind: 'loading' }
  | { kind: 'idle' }
  | { kind: 'away'; problem: string }
  | { kind: 'live'; age: number }
  | { kind: 'stale'; age: number; reason: string };

/** The daemon tells of the fleet at every interval, which the fleet's lines do not say. */
const FLEET_MIN_SECONDS = 20;

/** Judges what `state` has for the view now: the snapshot of the shown cluster, else the list of clusters. */
export function freshness(state: FeedState): Freshness {
  return state.cluster == null ? ofFleet(state) : ofCluster(state);
}

function ofFleet({ clusters, clustersArrived, clustersEverySeconds, link, problem }: FeedState): Freshness {
  if (clusters == null) return problem == null ? { kind: 'loading' } : { kind: 'away', problem };
  if (clusters.length === 0 && link !== 'lost') return { kind: 'idle' };
  const age = secondsSince(clustersArrived);
  const limit = link === 'lost' ? STALE_MIN_SECONDS : Math.max(FLEET_MIN_SECONDS, STALE_INTERVALS * clustersEverySeconds);
  return age <= limit ? { kind: 'live', age } : { kind: 'stale', age, reason: problem ?? silence(link) };
}

function ofCluster(state: FeedState): Freshness {
  const { snapshot, arrived, link, problem } = state;
  if (snapshot == null && problem != null) return { kind: 'away', problem };
  if (snapshot == null) return { kind: state.clusters?.length === 0 ? 'idle' : 'loading' };
  const age = ageSeconds(snapshot, arrived);
  const limit = Math.max(STALE_MIN_SECONDS, STALE_INTERVALS * snapshot.status.interval_seconds);
  if (age <= limit) return { kind: 'live', age };
  return { kind: 'stale', age, reason: problem ?? silence(link) };
}

function silence(link: FeedState['link']): string {
  return link === 'open'
    ? 'the daemon is connected but has not finished a probe cycle since'
    : 'the daemon does not answer; trying again';
}
