// Colours of members on charts. Colour-blind-safe by differing in lightness as well as in hue, and never one of the
// state colours; from the fifth member on the lines are dashed too.

const COLOURS = 4;
const DASHES: number[][] = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

/** The custom property that holds the colour of the member at `place`. */
export function colourProperty(place: number): string {
  return `--series-${place % COLOURS}`;
}

/** The dashes of the member at `place`; empty for a solid line. */
export function dashes(place: number): number[] {
  return DASHES[Math.floor(place / COLOURS) % DASHES.length] ?? [];
}

/** A short line in the colour and dashes of the member at `place`. */
export function seriesClass(place: number): string {
  return `series-${place % COLOURS}`;
}
