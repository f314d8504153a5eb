// A latency over the last minutes, in the space of a word. Gaps are gaps.

import type { Trend } from '../live/messages';

const WIDTH = 96;
const HEIGHT = 24;
const PAD = 2;
/** Points that the whole width has room for; the newest stands at the right. */
const POINTS = 48;
/** Below this the line stays low: what is fast should look calm, however it varies. */
const CALM_SECONDS = 0.05;

/** `trend` in seconds. It is decoration: the value stands beside it as text. */
export function Sparkline({ trend }: { trend: Trend }) {
  const known = trend.filter((value) => value != null);
  const top = Math.max(...known, CALM_SECONDS);
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true" focusable="false">
      <path class="sparkline-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      {known.length > 1 && <path d={pathOf(trend, top)} />}
    </svg>
  );
}

function pathOf(trend: Trend, top: number): string {
  let path = '';
  let drawing = false;
  trend.forEach((value, index) => {
    if (value != null) path += `${drawing ? 'L' : 'M'}${x(index + POINTS - trend.length)} ${y(value / top)}`;
    drawing = value != null;
  });
  return path;
}

function x(index: number): string {
  return ((index / (POINTS - 1)) * (WIDTH - PAD) + PAD / 2).toFixed(1);
}

function y(share: number): string {
  return (HEIGHT - PAD - share * (HEIGHT - 2 * PAD)).toFixed(1);
}
