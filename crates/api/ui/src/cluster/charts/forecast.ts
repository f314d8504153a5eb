// When the database reaches its quota, by the daemon's forecast.

import { span } from '../../format';

/** One member of `api/v1/metrics/forecast`. */
export type MemberForecast = { member: string } & (
  | { forecast: 'reached' }
  | { forecast: 'in'; seconds: number; soonest_seconds: number; latest_seconds: number }
  | { forecast: 'not_within_horizon'; horizon_seconds: number }
  | { forecast: 'unknown'; reason: string }
);

/** A line into the future. */
export interface Outlook {
  place: number;
  from: { at: number; value: number };
  to: { at: number; value: number };
}

/** What the outlook expects at `at`, no more than where it ends. */
export function valueBy({ from, to }: Outlook, at: number): number {
  const share = Math.min(1, Math.max(0, (at - from.at) / (to.at - from.at)));
  return from.value + (to.value - from.value) * share;
}

/** A forecast in words, without the member's name. */
export function inWords(told: MemberForecast): string {
  switch (told.forecast) {
    case 'reached':
      return 'has reached its quota';
    case 'in':
      return `reaches its quota in ${span(told.seconds)} (${span(told.soonest_seconds)} to ${span(told.latest_seconds)})`;
    case 'not_within_horizon':
      return `does not reach its quota within ${span(told.horizon_seconds)}`;
    case 'unknown':
      return `no forecast: ${told.reason}`;
  }
}

/** One sentence for all members: the one that is first at its quota, else what is common to them. */
export function outlookInWords(members: MemberForecast[]): string {
  const soonest = members.filter((told) => told.forecast === 'in').sort((a, b) => a.seconds - b.seconds)[0];
  const first = members.find((told) => told.forecast === 'reached') ?? soonest ?? members[0];
  if (first == null) return 'no forecast: no member is known';
  const alike = members.every((told) => inWords(told) === inWords(first));
  if (!alike || members.length === 1) return `${first.member}: ${inWords(first)}`;
  return first.forecast === 'unknown' ? inWords(first) : `every member ${inWords(first)}`;
}

/** How far beyond now the time axis goes: to the quota, at most by so much of the range again. */
const FUTURE_SHARE = 0.5;

/** Seconds of future to show beside a past of `past` seconds. */
export function futureSeconds(members: MemberForecast[], past: number): number {
  const ends = members.flatMap((told) => (told.forecast === 'in' ? [told.seconds] : []));
  return ends.length === 0 ? 0 : Math.min(Math.min(...ends) * 1.1, past * FUTURE_SHARE);
}
