// News by requests, for browsers that cannot share a stream among their pages: a stream per page would use up the
// connections that a browser has for one host.

import { inWords, Refusal } from '../rest';
import * as questions from './questions';
import type { Sink, Transport } from './transport';

const EVERY_MS = 5_000;
const RETRY_MAX_MS = 20_000;

export class Polling implements Transport {
  private wanted: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitMs = EVERY_MS;
  private round = 0;

  constructor(private sink: Sink) {}

  follow(clusters: string[]): void {
    this.wanted = clusters;
    this.refresh();
  }

  refresh(): void {
    clearTimeout(this.timer);
    this.round += 1;
    void this.ask(this.round);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.round += 1;
  }

  private async ask(round: number): Promise<void> {
    const current = () => round === this.round;
    try {
      await Promise.all([
        questions.clusters().then((clusters) => current() && this.sink.clusters(clusters)),
        questions.alerts().then((alerts) => current() && this.sink.alerts(alerts)),
        ...this.wanted.map((name) => questions.snapshot(name).then((snapshot) => current() && this.sink.snapshot(snapshot), toleratesUnknown)),
      ]);
      this.waitMs = EVERY_MS;
      if (current()) this.sink.link({ link: 'open', problem: null, unauthorized: false });
    } catch (error) {
      this.waitMs = Math.min(this.waitMs * 2, RETRY_MAX_MS);
      if (current()) this.sink.link({ link: 'lost', problem: inWords(error), unauthorized: error instanceof Refusal && error.status === 401 });
    }
    if (current()) this.timer = setTimeout(() => this.refresh(), this.waitMs);
  }
}

/** A cluster that is not watched, or was not looked at yet, says nothing about the connection. */
function toleratesUnknown(error: unknown): void {
  if (!(error instanceof Refusal) || (error.status !== 404 && error.code !== 'not_ready')) throw error;
}
