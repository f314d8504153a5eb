// Loads a chart's history when it is first seen, again when the range changes, and carries it on live.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Range } from '../../address';
import type { Snapshot } from '../../protocol';
import type { History } from './history';
import { carryOn, load } from './history';
import type { ChartKind, Quantile } from './kinds';
import { isLive, PRESET_SECONDS, rangeKey, windowOf } from './range';

/** A pause of the live feed beyond this many intervals is filled from the history. */
const PAUSE_INTERVALS = 3;
const RETRY_MS = 10_000;

export type Loaded =
  | { state: 'waiting' | 'loading'; history: History | null }
  | { state: 'shown'; history: History }
  | { state: 'failed'; history: History | null; problem: string };

interface Wanted {
  kind: ChartKind;
  quantile: Quantile;
  range: Range;
  snapshot: Snapshot;
  /** False until the chart is near what is seen. */
  seen: boolean;
}

/** The history of one chart. The same object is carried on: draw it again at every snapshot. */
export function useHistory({ kind, quantile, range, snapshot, seen }: Wanted): Loaded {
  const [loaded, setLoaded] = useState<Loaded>({ state: 'waiting', history: null });
  const [again, setAgain] = useState(0);
  const latest = useRef(snapshot);
  const metric = kind.metric(quantile);
  const pause = pauseBetween(latest.current, snapshot);
  useEffect(() => {
    if (!seen) return undefined;
    const control = new AbortController();
    setLoaded(({ history }) => ({ state: 'loading', history }));
    const window = windowOf(range, Date.parse(latest.current.status.at) / 1000 + 1);
    load(latest.current, metric, window, control.signal).then(
      (history) => setLoaded({ state: 'shown', history }),
      (error: unknown) => {
        if (!control.signal.aborted) setLoaded(({ history }) => ({ state: 'failed', history, problem: String((error as Error).message) }));
      },
    );
    return () => control.abort();
  }, [snapshot.status.cluster, metric, rangeKey(range), seen, again]);
  useEffect(() => {
    latest.current = snapshot;
    if (pause && loaded.state !== 'waiting') setAgain((number) => number + 1);
  }, [snapshot]);
  useEffect(() => {
    if (loaded.state !== 'failed') return undefined;
    const timer = setTimeout(() => setAgain((number) => number + 1), RETRY_MS);
    return () => clearTimeout(timer);
  }, [loaded]);
  if (loaded.state === 'shown' && isLive(range)) {
    const oldest = Date.parse(snapshot.status.at) / 1000 - PRESET_SECONDS[range.preset];
    carryOn(loaded.history, snapshot, (member) => kind.live(member, quantile), oldest);
  }
  return loaded;
}

function pauseBetween(before: Snapshot, after: Snapshot): boolean {
  const seconds = (Date.parse(after.status.at) - Date.parse(before.status.at)) / 1000;
  return seconds > PAUSE_INTERVALS * after.status.interval_seconds;
}
