// uPlot with the page's looks: colours from the style sheet, a shared crosshair and a shared zoom.

import uPlot from 'uplot';
import type { ChartKind } from './chart';
import { timeOfDay } from './format';
import type { Mark } from './marks';
import { drawMarks } from './marks';
import { colourProperty, dashes } from './palette';
import type { Series } from './samples';

const HEIGHT = 168;
/** The time axis never shows less than this, so that the first lines do not race. */
const WINDOW_MIN_SECONDS = 60;
const SYNC_KEY = 'live';
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
const FONT = '11px system-ui, sans-serif';

// All charts share one zoom: dragging on one zooms all, a double click on one resets all.
const zoom = { active: false };

export class Plot {
  private marks: Mark[] = [];
  private readonly plot: uPlot;
  private readonly resize: ResizeObserver;

  /** Draws into `host`; `onCursor` hears the index under the crosshair, or null. */
  constructor(
    private readonly host: HTMLElement,
    kind: ChartKind,
    series: Series[],
    log: boolean,
    onCursor: (index: number | null) => void,
  ) {
    const size = { width: host.clientWidth, height: HEIGHT };
    const empty = [[], ...series.map(() => [])] as unknown as uPlot.AlignedData;
    this.plot = new uPlot({ ...size, ...looks(kind, series, log), hooks: this.hooks(onCursor) }, empty, host);
    this.plot.over.addEventListener('dblclick', () => (zoom.active = false));
    this.resize = new ResizeObserver(() => this.plot.setSize({ width: this.host.clientWidth, height: HEIGHT }));
    this.resize.observe(host);
  }

  /** Shows new values; the range stays where the user has zoomed to. */
  show(times: number[], values: (number | null)[][], marks: Mark[]): void {
    this.marks = marks;
    this.plot.setData([times, ...values], false);
    const last = times.at(-1);
    if (zoom.active || last == null) this.plot.redraw();
    else this.plot.setScale('x', { min: Math.min(times[0] ?? last, last - WINDOW_MIN_SECONDS), max: last });
  }

  destroy(): void {
    this.resize.disconnect();
    this.plot.destroy();
  }

  private hooks(onCursor: (index: number | null) => void): uPlot.Hooks.Arrays {
    return {
      setSelect: [(plot) => (zoom.active ||= plot.select.width > 0)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      draw: [(plot) => drawMarks(plot, this.marks, markColour)],
    };
  }
}

function looks(kind: ChartKind, series: Series[], log: boolean): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    legend: { show: false },
    cursor: { sync: { key: SYNC_KEY }, drag: { x: true, y: false }, points: { size: 6 }, y: false },
    padding: [8, 24, 0, 0],
    scales: { x: { time: true }, y: log ? { distr: 3 } : { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    series: [{}, ...series.map(line)],
    axes: [timeAxis(), valueAxis(kind, log)],
  };
}

function line(series: Series): uPlot.Series {
  return {
    label: series.key,
    stroke: styleColour(colourProperty(series.place)),
    width: 1.75,
    dash: dashes(series.place),
    points: { show: false },
    spanGaps: false,
  };
}

function axis(): uPlot.Axis {
  const stroke = styleColour('--muted');
  const grid = { stroke: styleColour('--grid'), width: 1 };
  return { stroke, grid, font: FONT, ticks: { show: false } };
}

function timeAxis(): uPlot.Axis {
  return { ...axis(), size: 24, space: 72, values: (_plot, splits) => splits.map((at) => timeOfDay(at * 1000)) };
}

function valueAxis(kind: ChartKind, log: boolean): uPlot.Axis {
  const values = (_plot: uPlot, splits: (number | null)[]) =>
    splits.map((value) => (value == null ? '' : value === 0 ? '0' : kind.show(value)));
  const base: uPlot.Axis = { ...axis(), size: 64, gap: 6, space: 36, values };
  if (log) return { ...base, grid: { ...base.grid, filter: decadesOnly } };
  return kind.scale === 'binary' ? { ...base, incrs: POWERS_OF_TWO } : base;
}

function decadesOnly(_plot: uPlot, splits: number[]): (number | null)[] {
  return splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));
}

function markColour(kind: Mark['kind']): string {
  return styleColour(kind === 'leader' ? '--muted' : `--${kind}`);
}

/** A custom property of the style sheet as it is now, in the theme that is shown. */
function styleColour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
