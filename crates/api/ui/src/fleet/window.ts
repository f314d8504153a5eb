// Which rows of a long table are near enough to be drawn.

import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { useScrolling } from '../scrolling';

/** Up to this many rows all are drawn: finding in the page and printing then work as ever. */
export const ALL_MAX = 50;
/** Rows drawn above and below what is seen. */
const OVERSCAN = 12;

export interface Window {
  from: number;
  /** The first that is not drawn. */
  to: number;
}

/** The part of `count` rows of `rowPixels` each to draw, for a box whose top lies `top` pixels below the screen's. */
export function windowOf(count: number, rowPixels: number, top: number, screenPixels: number): Window {
  if (count <= ALL_MAX) return { from: 0, to: count };
  const first = Math.floor(-top / rowPixels) - OVERSCAN;
  const last = Math.ceil((screenPixels - top) / rowPixels) + OVERSCAN;
  const from = Math.min(Math.max(0, first), Math.max(0, count - 1));
  return { from, to: Math.min(count, Math.max(last, from + 1)) };
}

/** Follows scrolling and resizing; renders again only when other rows come near. */
export function useWindow(box: RefObject<HTMLElement | null>, count: number, rowPixels: number): Window {
  const [shown, setShown] = useState<Window>(() => windowOf(count, rowPixels, 0, innerHeight));
  const look = () => {
    const top = box.current?.getBoundingClientRect().top ?? 0;
    const next = windowOf(count, rowPixels, top, innerHeight);
    setShown((old) => (old.from === next.from && old.to === next.to ? old : next));
  };
  useScrolling(look, [box, count, rowPixels]);
  return shown.to > count ? { from: Math.min(shown.from, count), to: count } : shown;
}
