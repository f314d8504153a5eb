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
  /** Clusters that are watched, once it is known. */
  private fleetSize: number | null = null;
  private fleetHeard = -Infinity;
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

  private query(): string {
    const query = new URLSearchParams(this.wanted.slice(0, DETAILED_MAX).map((name) => ['cluster', name]));
    if (this.lastId != null) query.set('last_event_id', this.lastId);
    return query.size === 0 ? '' : `?${query}`;
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
    this.fleetSize = clusters.length;
    this.sink.clusters(clusters);
  }

  /** A stream that names clusters tells their alerts only; the page shows those of all. */
  private takeAlerts(alerts: Alerts): void {
    if (this.wanted.length === 0 || this.fleetSize === 1) this.sink.alerts(alerts);
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
    if (this.wanted.length > 0 && this.fleetSize !== 1) this.askAlerts();
    for (const name of this.wanted.slice(DETAILED_MAX)) {
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

  // An EventSource hides why it failed; a plain request tells.
  private async explain(): Promise<void> {
    const [first] = this.wanted;
    await (first == null ? questions.clusters() : questions.snapshot(first)).catch((error: unknown) => this.refused(error));
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
