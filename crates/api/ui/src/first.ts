// What `public/first.js` asked for before this script was there.

import type { ClusterSummary, Snapshot } from './protocol';

export interface FirstDocuments {
  clusters: ClusterSummary[];
  /** Of the cluster that is shown; null where none is, or nothing is known of it yet. */
  snapshot: Snapshot | null;
  /** When they came, in milliseconds of the wall clock. */
  at: number;
}

declare global {
  var firstDocuments: Promise<FirstDocuments | null> | undefined;
}

/** Longest wait: who waits longer sees what is there, and gets the rest by the connection. */
const WAIT_MS = 300;

/** The documents; null where there are none in time. */
export function first(): Promise<FirstDocuments | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, WAIT_MS, null));
  return Promise.race([globalThis.firstDocuments ?? null, late]);
}
