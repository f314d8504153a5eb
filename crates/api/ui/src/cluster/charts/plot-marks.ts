// What is drawn over and under the lines of a chart: marks, levels, the forecast.

import type uPlot from 'uplot';
import { colourProperty } from '../../palette';
import type { Outlook } from './forecast';
import type { Level } from './kinds';
import type { Mark } from './marks';
import { FONT, styleColour } from './plot-style';

/** Sizes in pixels. */
const FLAG = 5;
const LABEL = 6;

/** Draws the marks that lie within the shown range, each with a small flag at its top. */
export function drawMarks(plot: uPlot, marks: Mark[]): void {
  const { min, max } = plot.scales['x'] ?? {};
  if (min == null || max == null) return;
  for (const mark of marks) if (mark.at >= min && mark.at <= max && mark.kind !== 'resolved') drawMark(plot, mark);
}

function drawMark(plot: uPlot, mark: Mark): void {
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(mark.at, 'x', true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = styleColour(mark.kind === 'leader' ? '--muted' : `--${mark.kind}`);
  ctx.globalAlpha = mark.kind === 'leader' ? 0.7 : 0.85;
  const dash = mark.kind === 'leader' ? [3, 3] : [];
  stroke(plot, dash, [[x, bbox.top], [x, bbox.top + bbox.height]]);
  ctx.fillRect(x, bbox.top, FLAG * devicePixelRatio, FLAG * devicePixelRatio);
  ctx.restore();
}

/** Draws levels that lie within the shown values, named at the left, where the data is oldest. */
export function drawLevels(plot: uPlot, levels: (Level & { text: string })[]): void {
  const { ctx, bbox } = plot;
  const { min, max } = plot.scales['y'] ?? {};
  if (min == null || max == null) return;
  for (const level of levels.filter(({ value }) => value > min && value <= max)) {
    const y = Math.round(plot.valToPos(level.value, 'y', true));
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = styleColour(`--${level.severity}`);
    ctx.globalAlpha = 0.75;
    stroke(plot, [8, 4], [[bbox.left, y], [bbox.left + bbox.width, y]]);
    write(plot, level.text, bbox.left + LABEL * devicePixelRatio, y - 3 * devicePixelRatio);
    ctx.restore();
  }
}

/** Draws lines into the future, and where the past ends. */
export function drawOutlooks(plot: uPlot, outlooks: Outlook[]): void {
  const { ctx, bbox } = plot;
  const now = outlooks[0]?.from.at;
  if (now == null) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const x = Math.round(plot.valToPos(now, 'x', true));
  ctx.fillStyle = styleColour('--raised');
  ctx.globalAlpha = 0.6;
  ctx.fillRect(x, bbox.top, bbox.left + bbox.width - x, bbox.height);
  ctx.globalAlpha = 1;
  for (const { place, from, to } of outlooks) {
    ctx.strokeStyle = styleColour(colourProperty(place));
    stroke(plot, [2, 4], [from, to].map(({ at, value }) => [plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true)]), 1.75);
  }
  ctx.restore();
}

function stroke(plot: uPlot, dash: number[], path: number[][], width = 1): void {
  const { ctx } = plot;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  for (const [x = 0, y = 0] of path) ctx.lineTo(x, y);
  ctx.stroke();
}

function write(plot: uPlot, text: string, x: number, y: number): void {
  const { ctx } = plot;
  ctx.font = FONT.replace(/\d+/, (size) => String(Number(size) * devicePixelRatio));
  ctx.textAlign = 'left';
  ctx.textBaseline = 'bottom';
  ctx.fillText(text, x, y);
}
