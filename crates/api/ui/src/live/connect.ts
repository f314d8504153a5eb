// Connects the page to the hub: the shared one, or one of its own.

import { Hub } from './hub';
import type { Message, Request } from './messages';
import { HERE_EVERY_MS, VERSION } from './messages';
import { Polling } from './polling';

/** Longest wait for the first word of the shared hub, before the page asks by itself. */
const FIRST_WORD_MS = 3_000;

type Receive = (message: Message) => void;
type Post = (request: Request) => void;

/** The page's end of the connection. */
export class Connection {
  private cluster: string | null = null;
  private post: Post;

  constructor(private receive: Receive) {
    this.post = shared(receive, () => this.ownHub()) ?? own(receive);
    this.sayHere();
    setInterval(() => this.sayHere(), HERE_EVERY_MS);
    addEventListener('pagehide', () => this.post({ kind: 'gone' }));
    // From the browser's memory of pages.
    addEventListener('pageshow', (event) => event.persisted && this.sayHere());
    document.addEventListener('visibilitychange', () => this.sayHere());
  }

  /** Follows this cluster in detail from now on; null: none. */
  show(cluster: string | null): void {
    this.cluster = cluster;
    this.sayHere();
  }

  /** Asks anew at once. */
  refresh(): void {
    this.post({ kind: 'refresh' });
  }

  private sayHere(): void {
    this.post({ kind: 'here', cluster: this.cluster });
  }

  private ownHub(): void {
    this.post = own(this.receive);
    this.sayHere();
  }
}

function own(receive: Receive): Post {
  return new Hub((sink) => new Polling(sink)).attach(receive);
}

/** The shared hub; null where the browser has none. Calls `failed` once when it turns out not to work. */
function shared(receive: Receive, failed: () => void): Post | null {
  if (typeof SharedWorker === 'undefined') return null;
  try {
    const name = `etcd-monitor-live-${VERSION}`;
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name });
    const { port } = worker;
    let given = false;
    const giveUp = () => {
      if (given) return;
      given = true;
      port.close();
      failed();
    };
    const timer = setTimeout(giveUp, FIRST_WORD_MS);
    worker.onerror = giveUp;
    port.onmessage = (event: MessageEvent<Message>) => {
      clearTimeout(timer);
      if (!given) receive(event.data);
    };
    return (request) => port.postMessage(request);
  } catch {
    return null;
  }
}
