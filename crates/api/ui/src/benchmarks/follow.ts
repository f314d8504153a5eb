// A benchmark as it goes: by its own stream, which ends with it, and by plain requests where that breaks off.

import { useEffect, useState } from 'preact/hooks';
import type { Document } from '../cluster/use-document';
import { read, Refusal } from '../cluster/request';
import type { Job } from './documents';
import { isOver, PATH } from './documents';

const RETRY_MS = 3_000;

/** The benchmark of this id. What is known stays while the daemon does not answer. */
export function useBenchmark(id: string): Document<Job> {
  const [document, setDocument] = useState<Document<Job>>({ state: 'loading', value: null, problem: null });
  useEffect(() => {
    setDocument({ state: 'loading', value: null, problem: null });
    const follower = new Follower(id, setDocument);
    return () => follower.stop();
  }, [id]);
  return document;
}

type Tell = (next: (old: Document<Job>) => Document<Job>) => void;

class Follower {
  private readonly path: string;
  private readonly control = new AbortController();
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string, private tell: Tell) {
    this.path = `${PATH}/${encodeURIComponent(id)}`;
    this.open();
  }

  stop(): void {
    this.control.abort();
    this.close();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.close();
    const source = new EventSource(`${this.path}/events`);
    this.source = source;
    source.addEventListener('benchmark', (event: MessageEvent<string>) => this.take(JSON.parse(event.data) as Job));
    source.addEventListener('error', () => void this.lost());
  }

  private take(job: Job): void {
    this.tell(() => ({ state: 'known', value: job, problem: null }));
    if (isOver(job.state)) this.close();
  }

  // An EventSource hides why it failed; a plain request tells.
  private async lost(): Promise<void> {
    this.close();
    try {
      const job = await read<Job>(this.path, {}, this.control.signal);
      this.take(job);
      if (!isOver(job.state)) this.again();
    } catch (error) {
      if (this.control.signal.aborted) return;
      const problem = error instanceof Refusal ? error : new Refusal(String(error), null);
      this.tell((old) => ({ state: 'failed', value: old.value, problem }));
      if (problem.code !== 'benchmark_unknown') this.again();
    }
  }

  private again(): void {
    this.timer = setTimeout(() => this.open(), RETRY_MS);
  }
}
