// The live regions: what a screen reader hears without looking for it.

import { useEffect, useRef } from 'preact/hooks';
import type { FeedState } from './feed';
import { findingKey } from './protocol';
import { clusterState, rootFindings } from './state';

const POLITE_ID = 'live-polite';

/** Says `text` once, when the reader is idle. */
export function announce(text: string): void {
  const region = document.getElementById(POLITE_ID);
  if (region != null) region.textContent = text;
}

/** Announces once what becomes critical, and holds the region for everything else. */
export function Announcements({ state }: { state: FeedState }) {
  const said = useRef(new Set<string>());
  const region = useRef<HTMLDivElement>(null);
  const { snapshot, clusters } = state;
  useEffect(() => {
    const now = criticals(state);
    const fresh = [...now].filter(([key]) => !said.current.has(key)).map(([, text]) => text);
    said.current = new Set(now.keys());
    if (fresh.length > 0 && region.current != null) region.current.textContent = fresh.join(' ');
  }, [snapshot, clusters]);
  return (
    <>
      <div class="sr" role="alert" ref={region} data-testid="announcer" />
      <div class="sr" role="status" id={POLITE_ID} />
    </>
  );
}

/** What is critical now: the findings of the shown cluster, and the verdicts on the others. */
function criticals({ snapshot, clusters, cluster }: FeedState): Map<string, string> {
  const found = new Map<string, string>();
  for (const finding of rootFindings(snapshot?.findings ?? [])) {
    if (finding.severity !== 'critical') continue;
    found.set(`${finding.cluster}/${findingKey(finding)}/${finding.since}`, `Critical: ${finding.cause}.`);
  }
  for (const line of clusters ?? []) {
    if (line.cluster === cluster || clusterState(line) !== 'critical') continue;
    found.set(`${line.cluster}/${line.since ?? ''}`, `Critical: ${line.cluster}: ${line.sentence}.`);
  }
  return found;
}
