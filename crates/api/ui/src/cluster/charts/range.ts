// The range of time that the charts show: a preset that ends now and moves on, or two fixed moments.

import type { Preset, Range } from '../../address';

export const PRESET_SECONDS: Record<Preset, number> = { '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 };
export const RANGE_DEFAULT: Range = { preset: '1h' };

/** Below this a chart has nothing to show: two cycles at the default interval. */
const SPAN_MIN_SECONDS = 10;

/** From and to in unix seconds. */
export interface Window {
  from: number;
  to: number;
}

/** Whether the range ends now. */
export function isLive(range: Range): range is { preset: Preset } {
  return 'preset' in range;
}

/** The moments that `range` covers at `now` (unix seconds). */
export function windowOf(range: Range, now: number): Window {
  return isLive(range) ? { from: now - PRESET_SECONDS[range.preset], to: now } : range;
}

/** A fixed range between two moments in either order, at least as long as can be shown. */
export function between(one: number, other: number): Range {
  const middle = (one + other) / 2;
  const half = Math.max(Math.abs(one - other), SPAN_MIN_SECONDS) / 2;
  return { from: Math.floor(middle - half), to: Math.ceil(middle + half) };
}

/** The window moved by a share of its length: -0.5 is half a length earlier. Never beyond `now`. */
export function moved(window: Window, share: number, now: number): Range {
  const length = window.to - window.from;
  const to = Math.min(now, window.to + length * share);
  return between(to - length, to);
}

/** The window made longer by `factor` about its middle. Never beyond `now`. */
export function scaled(window: Window, factor: number, now: number): Range {
  const half = ((window.to - window.from) * factor) / 2;
  const to = Math.min(now, (window.from + window.to) / 2 + half);
  return between(to - 2 * half, to);
}

/** One text for a range: what a change of it is known by. */
export function rangeKey(range: Range): string {
  return isLive(range) ? range.preset : `${range.from}-${range.to}`;
}
