// The live regions: what a screen reader hears without looking for it.

import { useEffect, useRef } from 'preact/hooks';
import type { Snapshot } from './protocol';
import { findingKey } from './protocol';
import { rootFindings } from './state';

const POLITE_ID = 'live-polite';

/** Says `text` once, when the reader is idle. */
export function announce(text: string): void {
  const region = document.getElementById(POLITE_ID);
  if (region != null) region.textContent = text;
}

/** Announces each new critical finding once, and holds the region for everything else. */
export function Announcements({ snapshot }: { snapshot: Snapshot | null }) {
  const said = useRef(new Set<string>());
  const region = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (snapshot == null || region.current == null) return;
    const { fresh, current } = newCriticals(snapshot, said.current);
    said.current = current;
    if (fresh.length > 0) region.current.textContent = fresh.join(' ');
  }, [snapshot]);
  return (
    <>
      <div class="sr" role="alert" ref={region} data-testid="announcer" />
      <div class="sr" role="status" id={POLITE_ID} />
    </>
  );
}

function newCriticals(snapshot: Snapshot, said: Set<string>): { fresh: string[]; current: Set<string> } {
  const current = new Set<string>();
  const fresh: string[] = [];
  for (const finding of rootFindings(snapshot.findings)) {
    if (finding.severity !== 'critical') continue;
    const key = `${finding.cluster}/${findingKey(finding)}/${finding.since}`;
    if (!said.has(key)) fresh.push(`Critical: ${finding.cause}.`);
    current.add(key);
  }
  return { fresh, current };
}
