// Loads the TypeScript sources as the build does.

import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const server = await createServer({
  root: fileURLToPath(new URL('..', import.meta.url)),
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
  appType: 'custom',
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true },
});

/** The module at `path` below `src`. */
export function source(path) {
  return server.ssrLoadModule(`/src/${path}`);
}

/** Lets the test runner end. */
export function close() {
  return server.close();
}
