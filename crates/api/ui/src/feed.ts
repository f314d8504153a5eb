// The live feed: the list of clusters by request, one cluster's snapshots and alerts by server-sent events.

import type { Alerts, ClusterSummary, Snapshot } from './protocol';
import type { Moment } from './clock';
import { moment, secondsSince } from './clock';

const CLUSTERS_EVERY_MS = 10_000;
const WATCH_EVERY_MS = 1_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 10_000;
/** A stream that is open and silent for this many intervals is taken for dead and opened again. */
const SILENT_INTERVALS = 4;
const SILENT_MIN_SECONDS = 20;

export type Link = 'connecting' | 'open' | 'lost';

export interface FeedState {
  /** Null until the first answer. */
  clusters: ClusterSummary[] | null;
  /** The cluster that is shown; null until it is known. */
  cluster: string | null;
  snapshot: Snapshot | null;
  /** When the snapshot arrived. */
  arrived: Moment;
  /** Null until the daemon sent them. */
  alerts: Alerts | null;
  link: Link;
  /** Why there is no data, in words; null while there is nothing to explain. */
  problem: string | null;
}

/** Holds the connection to the daemon; tells its listeners whenever its state changes. */
export class Feed {
  state: FeedState = {
    clusters: null,
    cluster: null,
    snapshot: null,
    arrived: moment(),
    alerts: null,
    link: 'connecting',
    problem: null,
  };
  private listeners = new Set<() => void>();
  private stream: EventSource | null = null;
  private heard: Moment = moment();
  private retryMs = RETRY_FIRST_MS;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Starts requests and stream; they run as long as the page is open. */
  start(): void {
    void this.loadClusters();
    setInterval(() => void this.loadClusters(), CLUSTERS_EVERY_MS);
    setInterval(() => this.reopenWhenSilent(), WATCH_EVERY_MS);
  }

  /** Calls `listener` at every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Follows this cluster from now on. */
  show(cluster: string | null): void {
    if (cluster == null || cluster === this.state.cluster) return;
    this.update({ cluster, snapshot: null, alerts: null, problem: null });
    this.open();
  }

  private update(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private async loadClusters(): Promise<void> {
    try {
      const response = await fetch('api/v1/clusters', { headers: { accept: 'application/json' } });
      if (!response.ok) throw new Error(await refusal(response));
      const answer = (await response.json()) as { clusters: ClusterSummary[] };
      this.update({ clusters: answer.clusters });
    } catch (error) {
      if (this.state.snapshot == null) this.update({ problem: inWords(error) });
    }
  }

  private open(): void {
    clearTimeout(this.retryTimer);
    this.stream?.close();
    const { cluster } = this.state;
    if (cluster == null) return;
    this.heard = moment();
    const stream = new EventSource(`api/v1/events?cluster=${encodeURIComponent(cluster)}`);
    this.stream = stream;
    this.update({ link: this.state.link === 'lost' ? 'lost' : 'connecting' });
    stream.addEventListener('open', () => this.opened());
    stream.addEventListener('snapshot', (event) => this.take(event, (data) => this.takeSnapshot(data as Snapshot)));
    stream.addEventListener('alerts', (event) => this.take(event, (data) => this.update({ alerts: data as Alerts })));
    stream.addEventListener('error', () => this.lost());
  }

  private opened(): void {
    this.retryMs = RETRY_FIRST_MS;
    this.update({ link: 'open', problem: null });
  }

  private take(event: MessageEvent<string>, use: (data: unknown) => void): void {
    try {
      use(JSON.parse(event.data));
    } catch (error) {
      this.update({ problem: `the daemon sent what this page cannot read (${inWords(error)})` });
    }
  }

  private takeSnapshot(snapshot: Snapshot): void {
    this.heard = moment();
    this.update({ snapshot, arrived: this.heard, link: 'open', problem: null });
  }

  // Browsers differ in when an EventSource gives up for good; one back-off of our own is the same in all of them.
  private lost(): void {
    this.stream?.close();
    this.stream = null;
    this.update({ link: 'lost', problem: 'the daemon does not answer; trying again' });
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.open(), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    void this.explainRefusal();
  }

  // An EventSource hides why it failed; the same question as a plain request tells.
  private async explainRefusal(): Promise<void> {
    const { cluster } = this.state;
    try {
      const response = await fetch(`api/v1/cluster/snapshot?cluster=${encodeURIComponent(cluster ?? '')}`);
      if (this.state.link === 'lost' && !response.ok) this.update({ problem: await refusal(response) });
    } catch {
      // The daemon is away altogether, which is what the page says already.
    }
  }

  private reopenWhenSilent(): void {
    if (this.stream == null) return;
    const interval = this.state.snapshot?.status.interval_seconds ?? 0;
    if (secondsSince(this.heard) > Math.max(SILENT_MIN_SECONDS, SILENT_INTERVALS * interval)) this.open();
  }
}

/** What a refusing answer says, from its problem document where it has one. */
async function refusal(response: Response): Promise<string> {
  const said = await response
    .json()
    .then((problem: { title?: unknown; detail?: unknown }) => problem.detail ?? problem.title)
    .catch(() => null);
  const reason = typeof said === 'string' ? said : response.statusText || 'refused';
  return `the daemon refuses with ${response.status}: ${reason}`;
}

function inWords(error: unknown): string {
  if (error instanceof TypeError) return 'the daemon does not answer; trying again';
  return error instanceof Error ? error.message : String(error);
}
