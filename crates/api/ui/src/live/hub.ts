// The hub: one transport for all pages of the browser. It keeps the latest of everything, so that a new page has it at
// once.

import type { ClusterSummary } from '../protocol';
import type { LinkState, Message, Request } from './messages';
import { GONE_AFTER_MS } from './messages';
import type { Connect, Sink, Transport } from './transport';
import { Trends } from './trends';

const SWEEP_EVERY_MS = 10_000;
/** Ten pages that open together are one change. */
const SETTLE_MS = 30;

interface Page {
  send: (message: Message) => void;
  cluster: string | null;
  /** Its latest word, in milliseconds of the wall clock. */
  heard: number;
}

type SnapshotMessage = Extract<Message, { kind: 'snapshot' }>;

export class Hub {
  private pages = new Set<Page>();
  private transport: Transport | null = null;
  private followed = '';
  private settling: ReturnType<typeof setTimeout> | undefined;
  private link: LinkState = { link: 'connecting', problem: null, unauthorized: false };
  private fleet: Message | null = null;
  private alerts: Message | null = null;
  private snapshots = new Map<string, SnapshotMessage>();
  private trends = new Trends();

  constructor(private connect: Connect) {
    setInterval(() => this.sweep(), SWEEP_EVERY_MS);
  }

  /** Takes in a page; the returned function takes its requests. */
  attach(send: (message: Message) => void): (request: Request) => void {
    const page: Page = { send, cluster: null, heard: Date.now() };
    return (request) => this.take(page, request);
  }

  private take(page: Page, request: Request): void {
    page.heard = Date.now();
    if (request.kind === 'here') this.here(page, request.cluster);
    if (request.kind === 'refresh') this.transport?.refresh();
    if (request.kind === 'gone') this.drop(page);
  }

  private here(page: Page, cluster: string | null): void {
    const known = this.pages.has(page);
    if (known && page.cluster === cluster) return;
    this.pages.add(page);
    page.cluster = cluster;
    this.settle();
    if (!known) this.welcome(page);
    const latest = this.snapshots.get(cluster ?? '');
    if (latest != null) page.send(latest);
  }

  private welcome(page: Page): void {
    page.send({ kind: 'link', ...this.link });
    if (this.fleet != null) page.send(this.fleet);
    if (this.alerts != null) page.send(this.alerts);
  }

  private drop(page: Page): void {
    this.pages.delete(page);
    this.settle();
  }

  private sweep(): void {
    for (const page of this.pages) if (Date.now() - page.heard > GONE_AFTER_MS) this.drop(page);
  }

  private settle(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.follow(), SETTLE_MS);
  }

  private follow(): void {
    if (this.pages.size === 0) return this.rest();
    const wanted = [...new Set([...this.pages].map((page) => page.cluster))].filter((name) => name != null).sort();
    for (const name of this.snapshots.keys()) if (!wanted.includes(name)) this.snapshots.delete(name);
    const followed = JSON.stringify(wanted);
    if (this.transport != null && followed === this.followed) return;
    this.followed = followed;
    this.transport ??= this.connect(this.sink());
    this.transport.follow(wanted);
  }

  /** No page is left: nothing is asked, and what was known grows old. */
  private rest(): void {
    this.transport?.stop();
    this.transport = null;
    this.fleet = this.alerts = null;
    this.snapshots.clear();
    this.link = { link: 'connecting', problem: null, unauthorized: false };
  }

  private sink(): Sink {
    return {
      clusters: (clusters) => this.takeClusters(clusters),
      alerts: (alerts) => this.tell((this.alerts = { kind: 'alerts', alerts, at: Date.now() })),
      snapshot: (snapshot) => {
        const message: SnapshotMessage = { kind: 'snapshot', snapshot, at: Date.now() };
        this.snapshots.set(snapshot.status.cluster, message);
        this.tell(message, snapshot.status.cluster);
      },
      link: (state) => {
        this.link = state;
        this.tell({ kind: 'link', ...state });
      },
    };
  }

  private takeClusters(clusters: ClusterSummary[]): void {
    const trends = this.trends.add(clusters, Date.now());
    this.fleet = { kind: 'clusters', clusters, trends, at: Date.now() };
    this.tell(this.fleet);
  }

  private tell(message: Message, cluster?: string): void {
    for (const page of this.pages) if (cluster == null || page.cluster === cluster) page.send(message);
  }
}
