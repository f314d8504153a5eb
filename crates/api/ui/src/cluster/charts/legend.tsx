// The legend: each member with its last value, or its value under the crosshair.

import { dashes, seriesClass } from '../../palette';
import { Unknown } from '../../unknown';
import { usePointer } from './cursor';
import type { Line } from './line';
import { pointAt } from './line';

/** A line as it is drawn: whose it is, under which name and colour. */
export interface Drawn extends Line {
  shownName: string;
  place: number;
  /** The pause in seconds from which it is interrupted. */
  gap: number;
}

interface Props {
  lines: Drawn[];
  show: (value: number) => string;
}

export function Legend({ lines, show }: Props) {
  const at = usePointer();
  return (
    <ul class="legend">
      {lines.map((line) => (
        <Entry line={line} value={valueOf(line, at)} at={at} show={show} key={line.key} />
      ))}
    </ul>
  );
}

function Entry(props: { line: Drawn; value: number | null; at: number | null; show: (value: number) => string }) {
  const { line, value, at } = props;
  return (
    <li data-member={line.shownName}>
      <Stroke place={line.place} />
      <bdi class="legend-name">{line.shownName}</bdi>
      <span class="legend-value">{value == null ? <Unknown reason={at == null ? 'not measured' : 'not measured then'} /> : props.show(value)}</span>
    </li>
  );
}

/** A short line in the colour and dashes of a member. */
export function Stroke({ place }: { place: number }) {
  return (
    <svg class={`line ${seriesClass(place)}`} viewBox="0 0 16 4" aria-hidden="true" focusable="false">
      <path d="M0 2H16" stroke-dasharray={dashes(place).join(' ')} />
    </svg>
  );
}

function valueOf(line: Drawn, at: number | null): number | null {
  if (at == null) return line.points.at(-1)?.mean ?? null;
  return pointAt(line.points, at, line.gap)?.mean ?? null;
}
