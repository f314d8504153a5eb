// News by server-sent events: one stream for all that is followed.

import type { Alerts, ClusterSummary, Snapshot } from '../protocol';
import { inWords, Refusal } from '../rest';
import type { LinkState } from './messages';
import * as questions from './questions';
import type { Sink, Transport } from './transport';

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 10_000;
const WATCH_EVERY_MS = 1_000;
/** A stream that is open and silent for this many intervals is taken for dead and opened again. */
const SILENT_INTERVALS = 4;
const SILENT_MIN_SECONDS = 20;
/** Clusters in detail on one stream; what goes beyond is asked for by requests. */
const DETAILED_MAX = 20;
const OTHERS_EVERY_MS = 10_000;

export class Stream implements Transport {
  private wanted: string[] = [];
  private source: EventSource | null = null;
  private lastId: string | null = null;
  private opens = false;
  private heard = Date.now();
  /** The clusters that are watched, once it is known. */
  private fleet: string[] | null = null;
  private fleetHeard = -Infinity;
  /** The clusters that the stream was opened for. */
  private detailed: string[] = [];
  private intervalSeconds = 0;
  private retryMs = RETRY_FIRST_MS;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watch = setInterval(() => this.reopenWhenSilent(), WATCH_EVERY_MS);
  private others = setInterval(() => this.askOthers(), OTHERS_EVERY_MS);
  private link: LinkState = { link: 'connecting', problem: null, unauthorized: false };

  constructor(private sink: Sink) {}

  follow(clusters: string[]): void {
    this.wanted = clusters;
    this.open();
    this.askOthers();
    this.askClusters();
  }

  refresh(): void {
    if (this.link.link === 'open') this.askAlerts();
    else this.open();
  }

  stop(): void {
    clearInterval(this.watch);
    clearInterval(this.others);
    this.close();
  }

  private close(): void {
    clearTimeout(this.retryTimer);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.close();
    this.heard = Date.now();
    this.opens = false;
    this.detailed = this.known();
    const source = new EventSource(`api/v1/events${this.query()}`);
    this.source = source;
    source.addEventListener('open', () => this.opened());
    source.addEventListener('error', () => this.lost());
    this.on(source, 'clusters', (data) => this.takeClusters((data as { clusters: ClusterSummary[] }).clusters));
    this.on(source, 'snapshot', (data) => this.takeSnapshot(data as Snapshot));
    this.on(source, 'alerts', (data) => this.takeAlerts(data as Alerts));
    this.on(source, 'alert_event', () => undefined);
    this.on(source, 'reset', () => (this.lastId = null));
  }

  /** What is wanted and watched: for one cluster that it does not know the daemon would refuse the stream to all pages. */
  private known(): string[] {
    return this.wanted.filter((name) => this.fleet?.includes(name) ?? true).slice(0, DETAILED_MAX);
  }

  private query(): string {
    const query = this.detailed.map((name) => `cluster=${encodeURIComponent(name)}`);
    if (this.lastId != null) query.push(`last_event_id=${encodeURIComponent(this.lastId)}`);
    return query.length === 0 ? '' : `?${query.join('&')}`;
  }

  private on(source: EventSource, kind: string, use: (data: unknown) => void): void {
    source.addEventListener(kind, (event: MessageEvent<string>) => {
      this.heard = Date.now();
      this.lastId = event.lastEventId || this.lastId;
      try {
        use(JSON.parse(event.data || 'null'));
        this.say({ link: 'open', problem: null, unauthorized: false });
      } catch (error) {
        this.say({ ...this.link, problem: `the daemon sent what this page cannot read (${inWords(error)})` });
      }
    });
  }

  private takeSnapshot(snapshot: Snapshot): void {
    this.intervalSeconds = Math.max(this.intervalSeconds, snapshot.status.interval_seconds);
    this.sink.snapshot(snapshot);
  }

  private takeClusters(clusters: ClusterSummary[]): void {
    this.fleetHeard = Date.now();
    this.fleet = clusters.map((line) => line.cluster);
    this.sink.clusters(clusters);
    if (this.opens && String(this.known()) !== String(this.detailed)) this.open();
  }

  /** A stream that names clusters tells their alerts only; the page shows those of all. */
  private takeAlerts(alerts: Alerts): void {
    if (this.detailed.length === 0 || this.fleet?.length === 1) this.sink.alerts(alerts);
    else this.askAlerts();
  }

  private askAlerts(): void {
    questions.alerts().then((alerts) => this.sink.alerts(alerts)).catch((error: unknown) => this.refused(error));
  }

  /** The first list of clusters, in parallel to the stream, and those that a stream leaves out. */
  private askClusters(): void {
    questions.clusters().then((clusters) => this.takeClusters(clusters)).catch((error: unknown) => this.refused(error));
  }

  private askOthers(): void {
    if (this.link.link !== 'open') return;
    if (Date.now() - this.fleetHeard >= OTHERS_EVERY_MS) this.askClusters();
    if (this.detailed.length > 0 && this.fleet?.length !== 1) this.askAlerts();
    for (const name of this.wanted.filter((name) => this.fleet?.includes(name)).slice(DETAILED_MAX)) {
      questions.snapshot(name).then((snapshot) => this.sink.snapshot(snapshot)).catch((error: unknown) => this.refused(error));
    }
  }

  private opened(): void {
    this.opens = true;
    this.retryMs = RETRY_FIRST_MS;
    this.say({ link: 'open', problem: null, unauthorized: false });
  }

  // Browsers differ in when an EventSource gives up for good; one back-off of our own is the same in all of them.
  private lost(): void {
    this.close();
    // A daemon that refuses to go on after an id may well begin anew.
    if (!this.opens) this.lastId = null;
    this.say({ link: 'lost', problem: this.link.problem ?? 'the daemon does not answer; trying again', unauthorized: this.link.unauthorized });
    this.retryTimer = setTimeout(() => this.open(), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    void this.explain();
  }

  // An EventSource hides why it failed; a plain request tells, and says which clusters are watched now.
  private async explain(): Promise<void> {
    await questions.clusters().then((clusters) => this.takeClusters(clusters)).catch((error: unknown) => this.refused(error));
  }

  private refused(error: unknown): void {
    if (this.link.link !== 'lost') return;
    this.say({ link: 'lost', problem: inWords(error), unauthorized: error instanceof Refusal && error.status === 401 });
  }

  private say(state: LinkState): void {
    const changed = JSON.stringify(state) !== JSON.stringify(this.link);
    this.link = state;
    if (changed) this.sink.link(state);
  }

  private reopenWhenSilent(): void {
    const limit = Math.max(SILENT_MIN_SECONDS, SILENT_INTERVALS * this.intervalSeconds);
    if (this.source != null && Date.now() - this.heard > limit * 1000) this.open();
  }
}
