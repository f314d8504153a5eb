// The banner that says that the page shows the past.

import type { Freshness } from './freshness';
import { span, timeOfDay } from './format';

/** Nothing while the data is live; else since when there is none, and why. */
export function StaleBanner({ fresh, age }: { fresh: Freshness; age: number }) {
  if (fresh.kind !== 'stale') return null;
  return (
    <div class="stale-banner" role="status" data-testid="stale">
      <strong>No data since {timeOfDay(Date.now() - age * 1000)}</strong>
      <span>
        {fresh.reason}. What follows is the last known state, {span(age)} old.
      </span>
    </div>
  );
}
