// Time on the page. The browser's clock may differ from the daemon's, so the daemon's "now" is reckoned from its own
// last word plus the time that passed here since.

import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Snapshot } from './protocol';
import { fullTime, span } from './format';

/** A moment by both clocks of the browser. */
export interface Moment {
  monotonic: number;
  wall: number;
}

/** This moment. */
export function moment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** The moment at which the browser's wall clock showed `wall` milliseconds, told by a worker or known here. */
export function momentAt(wall: number): Moment {
  const now = moment();
  return { monotonic: now.monotonic - Math.max(0, now.wall - wall), wall };
}

/**
 * Seconds since `then`. The monotonic clock stands still while the machine sleeps in some browsers, so the larger of
 * both differences counts: rather stale too early than live too long.
 */
export function secondsSince(then: Moment): number {
  const now = moment();
  return Math.max(0, now.monotonic - then.monotonic, now.wall - then.wall) / 1000;
}

/** Age of the data of a snapshot that arrived at `arrived`, in seconds. */
export function ageSeconds(snapshot: Snapshot, arrived: Moment): number {
  return snapshot.status.age_seconds + secondsSince(arrived);
}

/** The daemon's clock now, in milliseconds since the epoch. */
export function daemonNow(snapshot: Snapshot, arrived: Moment): number {
  return Date.parse(snapshot.status.at) + ageSeconds(snapshot, arrived) * 1000;
}

/** Renders again once a second. */
export function useTick(): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, []);
}

/** The daemon's clock now, in milliseconds, for everything below the page. */
export const Now = createContext<number>(Date.now());

/** How long ago a time of the daemon was, and the absolute time for a title. */
export function useAgo(at: string): { span: string; title: string } {
  const now = useContext(Now);
  const then = Date.parse(at);
  return { span: span((now - then) / 1000), title: fullTime(then) };
}
