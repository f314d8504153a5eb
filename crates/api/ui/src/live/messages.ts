// What pages and the hub tell each other. Both sides change together: raise the version with every change, so that a
// page of a newer daemon does not meet the hub of an older page.

import type { Alerts, ClusterSummary, Snapshot } from '../protocol';

export const VERSION = 1;

/** How often a page says that it is still there, and how long after its last word it counts as closed. */
export const HERE_EVERY_MS = 20_000;
/** Browsers wake the timers of hidden pages once a minute at worst. */
export const GONE_AFTER_MS = 200_000;

/** From a page to the hub. */
export type Request =
  /** The page is there, and shows this cluster (null: none). */
  | { kind: 'here'; cluster: string | null }
  /** Something was changed or a sign-in happened: ask anew at once. */
  | { kind: 'refresh' }
  /** The page is closing. */
  | { kind: 'gone' };

export type Link = 'connecting' | 'open' | 'lost';

/** How the connection to the daemon stands. */
export interface LinkState {
  link: Link;
  /** Why there is no data, in words; null while there is nothing to explain. */
  problem: string | null;
  /** Whether the daemon wants to know who asks. */
  unauthorized: boolean;
}

/** The latest values of one cluster's read p99 in seconds, oldest first; null where it was not known. */
export type Trend = (number | null)[];

/** From the hub to a page. `at` is when it came from the daemon, in milliseconds of the wall clock. */
export type Message =
  | { kind: 'clusters'; clusters: ClusterSummary[]; trends: Record<string, Trend>; at: number }
  | { kind: 'snapshot'; snapshot: Snapshot; at: number }
  | { kind: 'alerts'; alerts: Alerts; at: number }
  | ({ kind: 'link' } & LinkState);
