// A chart on a canvas: uPlot with the page's looks, the shared crosshair, and dragging that asks for another range.

import uPlot from 'uplot';
import { onPointer, pointAt } from './cursor';
import type { Outlook } from './forecast';
import { valueBy } from './forecast';
import type { ChartKind, Level } from './kinds';
import type { Table } from './line';
import type { Mark } from './marks';
import { drawLevels, drawMarks, drawOutlooks } from './plot-marks';
import { bandOf, seriesOf, timeAxis, valueAxis } from './plot-style';
import type { Window } from './range';

const HEIGHT = 168;
/** A shorter drag is a click with an unsteady hand. */
const DRAG_MIN_PIXELS = 5;
/** Room above the highest value. */
const HEADROOM = 1.12;

/** Everything that a chart shows. */
export interface Drawing {
  table: Table;
  window: Window;
  marks: Mark[];
  levels: (Level & { text: string })[];
  outlooks: Outlook[];
}

export interface Looks {
  kind: ChartKind;
  /** The palette's place of each line. */
  places: number[];
  log: boolean;
}

/** What dragging asks for: another range, in unix seconds. */
export type OnZoom = (from: number, to: number) => void;

export class Plot {
  private shown: Drawing | null = null;
  private readonly plot: uPlot;
  private readonly resize: ResizeObserver;
  /** Ends following the pointer of others. */
  private readonly deaf: () => void;
  private isPointed = false;

  constructor(
    private readonly host: HTMLElement,
    looks: Looks,
    private readonly onZoom: OnZoom,
  ) {
    const size = { width: host.clientWidth, height: HEIGHT };
    const series = looks.places.flatMap(seriesOf);
    const empty = [[], ...series.map(() => [])] as unknown as uPlot.AlignedData;
    const bands = looks.places.map((place, index) => bandOf(index, place));
    this.plot = new uPlot({ ...size, ...this.options(looks), series: [{}, ...series], bands }, empty, host);
    this.resize = new ResizeObserver(() => this.plot.setSize({ width: this.host.clientWidth, height: HEIGHT }));
    this.resize.observe(host);
    this.deaf = onPointer((at) => this.follow(at));
  }

  show(drawing: Drawing): void {
    this.shown = drawing;
    const { times, rows } = drawing.table;
    const columns = rows.flatMap(({ mean, low, high }) => [mean, high, low]);
    this.plot.setData([times, ...columns] as uPlot.AlignedData, false);
    this.plot.setScale('x', { min: drawing.window.from, max: drawing.window.to });
  }

  destroy(): void {
    this.deaf();
    this.resize.disconnect();
    this.plot.destroy();
  }

  private options({ kind, log }: Looks): Omit<uPlot.Options, 'width' | 'height' | 'series'> {
    return {
      legend: { show: false },
      padding: [8, 12, 0, 0],
      cursor: {
        ...{ y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false } },
        // A double click takes the zoom out of the address, which the chart's frame does.
        bind: { dblclick: () => null },
      },
      scales: { x: { time: true, range: (_plot, min, max) => [min, max] }, y: log ? { distr: 3 } : { range: (_plot, _min, max) => this.values(max) } },
      axes: [timeAxis(), valueAxis(kind, log)],
      hooks: {
        setSelect: [(plot) => this.zoom(plot)],
        setCursor: [(plot) => this.point(plot)],
        drawClear: [(plot) => this.shown != null && drawOutlooks(plot, this.shown.outlooks)],
        draw: [(plot) => this.overlay(plot)],
      },
    };
  }

  /** From zero, with room above for what the forecast reaches; a level that is near is shown too. */
  private values(max: number | null): [number, number] {
    const { levels = [], outlooks = [], window } = this.shown ?? {};
    const expected = outlooks.map((outlook) => valueBy(outlook, window?.to ?? outlook.to.at));
    const highest = Math.max(max ?? 0, ...expected);
    const near = levels.map((level) => level.value).filter((value) => highest > value / 4);
    return [0, Math.max(highest, ...near) * HEADROOM || 1];
  }

  private overlay(plot: uPlot): void {
    if (this.shown == null) return;
    drawLevels(plot, this.shown.levels);
    drawMarks(plot, this.shown.marks);
  }

  /** Tells where the pointer is on this chart; where it follows another one there is nothing to tell. */
  private point(plot: uPlot): void {
    const { left, event } = plot.cursor;
    if (event == null || this.isPointed) return;
    pointAt(left == null || left < 0 ? null : plot.posToVal(left, 'x'));
  }

  /** Puts the crosshair where another chart or the time line has it. */
  private follow(at: number | null): void {
    this.isPointed = true;
    const left = at == null ? -10 : this.plot.valToPos(at, 'x');
    if (left !== this.plot.cursor.left) this.plot.setCursor({ left, top: 0 }, false);
    this.isPointed = false;
  }

  private zoom(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < DRAG_MIN_PIXELS) return;
    const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.onZoom(from, to);
  }
}
