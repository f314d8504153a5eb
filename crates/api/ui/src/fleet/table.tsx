// The table of the fleet: arrows move in it, Enter opens what has the focus.

import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Trend } from '../live/messages';
import { useMedia } from '../media';
import type { ClusterSummary } from '../protocol';
import { Row } from './row';
import { useWindow } from './window';

const ROW_PIXELS = 48;
/** On a phone a line is a card. */
const CARD_PIXELS = 128;
const COLUMNS = 6;

/** Until the daemon tells more lines, a trend that is not there is this one. */
const NO_TREND: Trend = [];

export function FleetTable({ lines, trends }: { lines: ClusterSummary[]; trends: Record<string, Trend> }) {
  const body = useRef<HTMLDivElement>(null);
  const rowPixels = useMedia('(max-width: 899px)') ? CARD_PIXELS : ROW_PIXELS;
  const shown = useWindow(body, lines.length, rowPixels);
  const onKeyDown = useArrows(body, lines.length, rowPixels);
  const height = (rows: number) => ({ height: `${rows * rowPixels}px` });
  return (
    <div role="table" class="fleet-table" aria-label="Clusters" aria-rowcount={lines.length + 1} aria-colcount={COLUMNS} data-testid="fleet-table" onKeyDown={onKeyDown}>
      <div role="rowgroup">
        <div role="row" class="fleet-head" aria-rowindex={1}>
          <span role="columnheader">cluster</span>
          <span role="columnheader">verdict</span>
          <span role="columnheader" class="right">since</span>
          <span role="columnheader" class="right" title="voting members that answer, of all">quorum</span>
          <span role="columnheader" class="right" title="of the monitor's own linearizable reads over 5 minutes, slowest member">read p99</span>
          <span role="columnheader" class="right" title="alerts that fire">alerts</span>
        </div>
      </div>
      <div role="rowgroup" ref={body}>
        {shown.from > 0 && <div class="fleet-space" style={height(shown.from)} />}
        {lines.slice(shown.from, shown.to).map((line, index) => (
          <Row line={line} trend={trends[line.cluster] ?? NO_TREND} place={shown.from + index + 1} key={line.cluster} />
        ))}
        {shown.to < lines.length && <div class="fleet-space" style={height(lines.length - shown.to)} />}
      </div>
    </div>
  );
}

const STEPS: Record<string, (at: number, last: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + 10,
  PageUp: (at) => at - 10,
  Home: () => 0,
  End: (_, last) => last,
};

/** Moves the focus by rows, also to those that are not drawn yet. */
function useArrows(body: RefObject<HTMLDivElement | null>, count: number, rowPixels: number) {
  const wanted = useRef<number | null>(null);
  useEffect(() => {
    if (wanted.current != null && focusRow(body.current, wanted.current)) wanted.current = null;
  });
  return (event: KeyboardEvent) => {
    const at = rowOf(event.target);
    const step = STEPS[event.key];
    if (at == null || step == null) return;
    event.preventDefault();
    const next = Math.min(count - 1, Math.max(0, step(at, count - 1)));
    if (focusRow(body.current, next)) return;
    wanted.current = next;
    const top = (body.current?.getBoundingClientRect().top ?? 0) + scrollY;
    scrollTo({ top: top + next * rowPixels - innerHeight / 2, behavior: 'instant' });
  };
}

function rowOf(target: EventTarget | null): number | null {
  const row = target instanceof HTMLElement ? target.dataset['row'] : undefined;
  return row == null ? null : Number(row);
}

/** Focuses the link of a row; false where it is not drawn. */
export function focusRow(body: HTMLElement | null, row: number): boolean {
  const link = body?.querySelector<HTMLElement>(`a[data-row="${row}"]`);
  link?.focus();
  return link != null;
}
