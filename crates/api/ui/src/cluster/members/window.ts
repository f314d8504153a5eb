// Which rows of a long table are near what is seen: the others are empty space of the same height.

import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { useScrolling } from '../../scrolling';

/** Up to so many rows are all there. */
export const ROWS_MAX = 50;
/** Rows beyond the edges of the screen, so that scrolling meets no empty space. */
const SPARE = 12;

/** Rows from `first` to before `last`, and the space before and after them in pixels. */
export interface Rows {
  first: number;
  last: number;
  before: number;
  after: number;
}

/** The rows that a screen shows which begins `top` pixels below the first row's edge and is `height` high. */
export function rowsAt(heights: number[], top: number, height: number): Rows {
  if (heights.length <= ROWS_MAX) return { first: 0, last: heights.length, before: 0, after: 0 };
  let sum = 0;
  const edges = heights.map((each) => (sum += each));
  const seen = edges.findIndex((edge) => edge > top);
  const end = edges.findIndex((edge) => edge > top + height);
  const first = Math.max(0, (seen < 0 ? heights.length : seen) - SPARE);
  const last = Math.min(heights.length, (end < 0 ? heights.length : end + 1) + SPARE);
  return { first, last, before: edges[first - 1] ?? 0, after: sum - (edges[last - 1] ?? 0) };
}

/** The rows to draw now; follows scrolling and resizing, at most once a frame. */
export function useRows(table: RefObject<HTMLElement | null>, heights: number[]): Rows {
  const [top, setTop] = useState(0);
  const isLong = heights.length > ROWS_MAX;
  const look = () => {
    if (table.current != null) setTop(-table.current.getBoundingClientRect().top);
  };
  useScrolling(look, [], isLong);
  return rowsAt(heights, top, innerHeight);
}
