// What the page knows: the latest of everything that came from the daemon.

import { alertsOf } from './alerts/select';
import type { Moment } from './clock';
import { momentAt } from './clock';
import type { FirstDocuments } from './first';
import { Connection } from './live/connect';
import type { LinkState, Message, Trend } from './live/messages';
import type { Alerts, ClusterSummary, Snapshot } from './protocol';

export interface FeedState extends LinkState {
  /** Null until the first answer. */
  clusters: ClusterSummary[] | null;
  /** When the list of clusters arrived. */
  clustersArrived: Moment;
  /** Seconds between the last two lists of clusters, at most so far. */
  clustersEverySeconds: number;
  /** The latest read p99 of each cluster. */
  trends: Record<string, Trend>;
  /** The cluster that is shown in detail; null where the view is of no cluster. */
  cluster: string | null;
  /** Of the cluster that is shown. */
  snapshot: Snapshot | null;
  /** When the snapshot arrived. */
  arrived: Moment;
  /** Alerts of all clusters; null until the daemon sent them. */
  alerts: Alerts | null;
}

/** Holds the connection to the daemon; tells its listeners whenever its state changes. */
export class Feed {
  state: FeedState = {
    ...{ link: 'connecting', problem: null, unauthorized: false },
    ...{ clusters: null, clustersArrived: momentAt(Date.now()), clustersEverySeconds: 0, trends: {} },
    ...{ cluster: null, snapshot: null, arrived: momentAt(Date.now()), alerts: null },
  };
  private listeners = new Set<() => void>();
  private connection: Connection | null = null;

  /** Connects; the connection lasts as long as the page. */
  start(): void {
    this.connection = new Connection((message) => this.take(message));
    this.connection.show(this.state.cluster);
  }

  /** Takes what was asked for before there was a connection, where that has told nothing yet. */
  begin(first: FirstDocuments | null): void {
    if (first == null || this.state.clusters != null) return;
    const { clusters, snapshot, at } = first;
    const then = momentAt(at);
    this.update({ clusters, clustersArrived: then, snapshot, arrived: then, cluster: snapshot?.status.cluster ?? null });
    this.connection?.show(this.state.cluster);
  }

  /** Calls `listener` at every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Follows this cluster in detail from now on; null: none. */
  show(cluster: string | null): void {
    if (cluster === this.state.cluster) return;
    this.update({ cluster, snapshot: null });
    this.connection?.show(cluster);
  }

  /** Asks the daemon anew at once. */
  refresh(): void {
    this.connection?.refresh();
  }

  private update(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private take(message: Message): void {
    switch (message.kind) {
      case 'clusters':
        return this.takeClusters(message);
      case 'alerts':
        return this.update({ alerts: message.alerts });
      case 'snapshot':
        return this.takeSnapshot(message.snapshot, message.at);
      case 'link':
        return this.update({ link: message.link, problem: message.problem, unauthorized: message.unauthorized });
    }
  }

  private takeClusters({ clusters, trends, at }: Extract<Message, { kind: 'clusters' }>): void {
    const clustersArrived = momentAt(at);
    const pause = (clustersArrived.wall - this.state.clustersArrived.wall) / 1000;
    const first = this.state.clusters == null || this.state.link === 'lost';
    const clustersEverySeconds = first ? this.state.clustersEverySeconds : Math.max(this.state.clustersEverySeconds, Math.min(pause, 300));
    this.update({ clusters, trends, clustersArrived, clustersEverySeconds });
  }

  private takeSnapshot(snapshot: Snapshot, at: number): void {
    if (snapshot.status.cluster !== this.state.cluster) return;
    this.update({ snapshot, arrived: momentAt(at) });
  }
}

/** The alerts of the cluster that is shown. */
export function shownAlerts({ alerts, cluster }: FeedState): Alerts | null {
  return alerts == null ? null : alertsOf(alerts, cluster);
}
