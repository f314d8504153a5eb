// Events as vertical lines on charts.

import type uPlot from 'uplot';
import type { Severity } from './protocol';

export interface Mark {
  /** Unix seconds. */
  at: number;
  kind: 'leader' | Severity;
}

/** Draws the marks that lie within the shown range, each with a small flag at its top. */
export function drawMarks(plot: uPlot, marks: Mark[], colour: (kind: Mark['kind']) => string): void {
  const { ctx, bbox } = plot;
  const { min, max } = plot.scales['x'] ?? {};
  if (min == null || max == null) return;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    if (mark.at < min || mark.at > max) continue;
    const x = Math.round(plot.valToPos(mark.at, 'x', true));
    ctx.strokeStyle = ctx.fillStyle = colour(mark.kind);
    ctx.setLineDash(mark.kind === 'leader' ? [3 * devicePixelRatio, 3 * devicePixelRatio] : []);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillRect(x, bbox.top, 5 * devicePixelRatio, 5 * devicePixelRatio);
  }
  ctx.restore();
}
