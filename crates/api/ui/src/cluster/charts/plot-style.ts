// Looks of a chart: colours come from the style sheet, in the theme that is shown.

import type uPlot from 'uplot';
import { dayAndMonth, minuteOfDay, timeOfDay } from '../../format';
import { colourProperty, dashes } from '../../palette';
import type { ChartKind } from './kinds';

export const FONT = '11px system-ui, sans-serif';
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
const DAY_SECONDS = 86_400;

/** A custom property of the style sheet as it is now. */
export function styleColour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

/** Three series for a member: its line, and the two invisible edges of the band of its buckets. */
export function seriesOf(place: number): uPlot.Series[] {
  const stroke = styleColour(colourProperty(place));
  const line: uPlot.Series = { stroke, width: 1.75, dash: dashes(place), spanGaps: false, points: { show: true, size: 4, fill: stroke, filter: lonely } };
  const edge: uPlot.Series = { stroke: 'transparent', width: 0, spanGaps: false, points: { show: false } };
  return [line, edge, { ...edge }];
}

/** The band between the edges of the member that is drawn as number `index`. */
export function bandOf(index: number, place: number): uPlot.Band {
  return { series: [3 * index + 2, 3 * index + 3], fill: `color-mix(in srgb, ${styleColour(colourProperty(place))} 18%, transparent)` };
}

/** A point between two gaps has no line: it is drawn as a dot. */
function lonely(plot: uPlot, index: number): number[] {
  const cells = plot.data[index] ?? [];
  const said = [...cells.keys()].filter((at) => cells[at] !== undefined);
  return said.filter((at, place) => cells[at] != null && cells[said[place - 1] ?? -1] == null && cells[said[place + 1] ?? -1] == null);
}

function axis(): uPlot.Axis {
  const grid = { stroke: styleColour('--grid'), width: 1 };
  return { stroke: styleColour('--muted'), grid, font: FONT, ticks: { show: false } };
}

export function timeAxis(): uPlot.Axis {
  return { ...axis(), size: 24, space: 64, values: timeLabels };
}

/** Labels of times: the day where a day begins or days are shown, seconds only where they matter. */
export function timeLabels(_plot: unknown, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  return splits.map((at) => label(new Date(at * 1000), step));
}

function label(at: Date, step: number): string {
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  if (step >= DAY_SECONDS || isMidnight) return dayAndMonth(at.getTime());
  return step < 60 ? timeOfDay(at.getTime()) : minuteOfDay(at.getTime());
}

export function valueAxis(kind: ChartKind, log: boolean): uPlot.Axis {
  const values = (_plot: uPlot, splits: (number | null)[]) =>
    splits.map((value) => (value == null ? '' : value === 0 ? '0' : kind.show(value)));
  const base: uPlot.Axis = { ...axis(), size: 62, gap: 6, space: 36, values };
  if (log) return { ...base, grid: { ...base.grid, filter: decadesOnly } };
  return kind.scale === 'binary' ? { ...base, incrs: POWERS_OF_TWO } : base;
}

function decadesOnly(_plot: uPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));
}
