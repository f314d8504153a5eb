// The shared worker: the hub of all pages of this browser.

import { Hub } from './hub';
import type { Request } from './messages';
import { Stream } from './stream';

interface SharedWorkerScope {
  onconnect: ((event: MessageEvent) => void) | null;
}

const hub = new Hub((sink) => new Stream(sink));

(self as unknown as SharedWorkerScope).onconnect = (event) => {
  const [port] = event.ports;
  if (port == null) return;
  const take = hub.attach((message) => port.postMessage(message));
  port.onmessage = (request: MessageEvent<Request>) => take(request.data);
};
