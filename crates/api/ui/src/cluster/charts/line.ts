// Points of a metric, one line for each member: what the history answers, and what comes live on top.

/** A sample, or a bucket of samples with the least and the largest of them. */
export interface Point {
  /** Unix seconds. */
  at: number;
  mean: number;
  low: number;
  high: number;
  /** Samples in it; 1 for a sample as it was taken. */
  count: number;
}

export interface Line {
  /** The member's id. */
  key: string;
  /** Its name where it is still a member. */
  name: string | null;
  /** Oldest first. */
  points: Point[];
}

/** One series as the history answers it: `[at, value]`, or of a bucket `[at, mean, min, max]`. */
export interface AnsweredSeries {
  labels: { member?: string; member_id?: string };
  points: number[][];
}

/** A pause longer than this many steps is a gap, not a line. */
const GAP_STEPS = 2.5;

/** The lines of an answer. `bucket` is the width in seconds that was asked for. */
export function linesOf(series: AnsweredSeries[], bucket: number, interval: number): Line[] {
  const count = Math.max(1, Math.round(bucket / interval));
  return series.map(({ labels, points }) => ({
    key: labels.member_id ?? '',
    name: labels.member ?? null,
    points: points.flatMap((point) => pointOf(point, count)),
  }));
}

function pointOf([at, mean, low, high]: number[], count: number): Point[] {
  if (at == null || mean == null) return [];
  if (low == null || high == null) return [{ at, mean, low: mean, high: mean, count: 1 }];
  return [{ at, mean, low, high, count: Math.max(2, count) }];
}

/** Whether the points are buckets. */
export function isBucketed(lines: Line[]): boolean {
  return lines.some((line) => line.points.some((point) => point.count > 1));
}

/**
 * Adds one sample to a line. With a `bucket` in seconds, samples of one bucket become one point, so that a page that is
 * open for a day holds no more than it loaded; points before `oldest` go.
 */
export function append(line: Line, at: number, value: number, bucket: number | null, oldest: number): void {
  const last = line.points.at(-1);
  if (last != null && at <= last.at) return;
  if (bucket != null && last != null && at - last.at < bucket) merge(last, value);
  else line.points.push({ at, mean: value, low: value, high: value, count: 1 });
  const kept = line.points.findIndex((point) => point.at >= oldest);
  if (kept > 1) line.points.splice(0, kept - 1);
}

function merge(point: Point, value: number): void {
  point.mean = (point.mean * point.count + value) / (point.count + 1);
  point.count += 1;
  point.low = Math.min(point.low, value);
  point.high = Math.max(point.high, value);
}

/** The pause from which a line is interrupted, by its own usual step. */
export function gapSeconds(points: Point[], interval: number): number {
  const steps = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? point.at));
  steps.sort((a, b) => a - b);
  return GAP_STEPS * Math.max(interval, steps[Math.floor(steps.length / 2)] ?? 0);
}

/** What is drawn: times, and for each line its values. Null interrupts a line; undefined says nothing of it. */
export interface Table {
  times: number[];
  rows: { mean: Cell[]; low: Cell[]; high: Cell[] }[];
}
export type Cell = number | null | undefined;

/** Brings lines to shared times; a pause longer than a line's `gap` interrupts it. */
export function tableOf(lines: { points: Point[]; gap: number }[]): Table {
  const drawn = lines.map((line) => withGaps(line.points, line.gap));
  const times = [...new Set(drawn.flatMap((cells) => [...cells.keys()]))].sort((a, b) => a - b);
  const column = (cells: Map<number, Point | null>, what: 'mean' | 'low' | 'high'): Cell[] =>
    times.map((at) => {
      const point = cells.get(at);
      return point == null ? point : point[what];
    });
  return { times, rows: drawn.map((cells) => ({ mean: column(cells, 'mean'), low: column(cells, 'low'), high: column(cells, 'high') })) };
}

function withGaps(points: Point[], gap: number): Map<number, Point | null> {
  const cells = new Map<number, Point | null>();
  let before: Point | null = null;
  for (const point of points) {
    if (before != null && point.at - before.at > gap) cells.set((before.at + point.at) / 2, null);
    cells.set(point.at, point);
    before = point;
  }
  return cells;
}

/** The point of a line at `at`: the nearest one, unless it lies beyond half a gap. */
export function pointAt(points: Point[], at: number, gap: number): Point | null {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [points[low - 1], points[low]];
  const nearest = distance(before, at) <= distance(after, at) ? before : after;
  return nearest != null && distance(nearest, at) <= gap / 2 ? nearest : null;
}

function distance(point: Point | undefined, at: number): number {
  return point == null ? Infinity : Math.abs(point.at - at);
}
