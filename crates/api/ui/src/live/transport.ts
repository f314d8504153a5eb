// How news come from the daemon: one stream of events, or requests again and again.

import type { Alerts, ClusterSummary, Snapshot } from '../protocol';
import type { LinkState } from './messages';

/** Takes what came from the daemon. */
export interface Sink {
  clusters(clusters: ClusterSummary[]): void;
  snapshot(snapshot: Snapshot): void;
  alerts(alerts: Alerts): void;
  link(state: LinkState): void;
}

export interface Transport {
  /** Follows the fleet, and these clusters in detail, from now on. */
  follow(clusters: string[]): void;
  /** Asks anew at once. */
  refresh(): void;
  /** Ends. */
  stop(): void;
}

export type Connect = (sink: Sink) => Transport;
