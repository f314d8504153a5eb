// Numbers and times as people read them: three significant digits, binary units, relative times.

// Made once: a formatter takes longer to make than the rest of a line of the page.
const TIME_OF_DAY = new Intl.DateTimeFormat('en-GB', { hour: 'numeric', minute: 'numeric', second: 'numeric', hour12: false });
const FULL_TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
const MINUTE_OF_DAY = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hour12: false });
const DAY_AND_MONTH = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A number with three significant digits, never in exponent form. */
export function significant(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100 || value === 0) return String(Math.round(value));
  if (magnitude >= 10) return value.toFixed(1).replace(/\.0$/, '');
  if (magnitude >= 1) return value.toFixed(2).replace(/\.?0+$/, '');
  return String(Number(value.toPrecision(3)));
}

/** The exponent of 1024 that suits `bytes`. */
function sizeStep(bytes: number): number {
  let step = 0;
  for (let rest = Math.abs(bytes); rest >= 1000 && step < SIZE_UNITS.length - 1; rest /= 1024) step += 1;
  return step;
}

/** A size in binary units: `1.2 GiB`. */
export function size(bytes: number): string {
  const step = sizeStep(bytes);
  return `${significant(bytes / 1024 ** step)} ${SIZE_UNITS[step]}`;
}

/** A latency: `190 ms`, `850 µs`. */
export function latency(seconds: number): string {
  if (seconds < 0.001) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 1) return `${significant(seconds * 1e3)} ms`;
  return `${significant(seconds)} s`;
}

/** A whole number with thin groups: `1 234 567`. */
export function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** A rate: `12.3 /s`. */
export function rate(perSecond: number): string {
  return `${significant(perSecond)} /s`;
}

/** A share as a whole percentage; a share that is not zero never reads as 0 %. */
export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 1 ? '< 1 %' : `${Math.round(value)} %`;
}

/** A span of time, in its largest fitting unit: `2 s`, `11 min`, `3 h`, `12 d`. */
export function span(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 60) return `${Math.floor(whole)} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

/** The browser's local time of day: `12:04:31`. */
export function timeOfDay(at: number): string {
  return written(TIME_OF_DAY, at);
}

/** The browser's local date and time with its zone, for titles. */
export function fullTime(at: number): string {
  return written(FULL_TIME, at);
}

/** The browser's local hour and minute: `12:04`. */
export function minuteOfDay(at: number): string {
  return written(MINUTE_OF_DAY, at);
}

/** The browser's local day: `4 Mar`. */
export function dayAndMonth(at: number): string {
  return written(DAY_AND_MONTH, at);
}

/** A formatter throws at what is no time. */
function written(format: Intl.DateTimeFormat, at: number): string {
  return Number.isFinite(at) ? format.format(at) : 'no time';
}

/** A word in its number: `1 member`, `3 members`. */
export function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
