// Who has an alert in hand, and why nothing is told about it.

import { ALERTS, href } from '../address';
import { Ago } from '../ago';
import type { Alert, MutedBy } from '../protocol';

export function Marks({ alert }: { alert: Alert }) {
  const { acknowledged, muted_by: muted, explained_by: explained } = alert;
  return (
    <>
      {acknowledged != null && (
        <p class="mark" data-testid="acknowledged">
          <b>acknowledged</b> by <bdi>{acknowledged.by}</bdi> <Ago at={acknowledged.at} suffix=" ago" />
          {acknowledged.comment !== '' && <q>{acknowledged.comment}</q>}
        </p>
      )}
      {muted != null && (
        <p class="mark" data-testid="muted">
          <b>muted</b> by <Cause muted={muted} />
        </p>
      )}
      {explained != null && (
        <p class="mark">
          <b>explained</b> by {explained.rule}
        </p>
      )}
      {alert.flapping === true && (
        <p class="mark">
          <b>flapping</b>: it counts as over only after it has been quiet for a while
        </p>
      )}
      {alert.unknown_since != null && (
        <p class="mark mark-unknown">
          <b>not known</b> for <Ago at={alert.unknown_since} /> whether it still holds
        </p>
      )}
    </>
  );
}

function Cause({ muted }: { muted: MutedBy }) {
  if (muted.by === 'silence') return <a href={href({ ...ALERTS, tab: 'silences' })}>a silence</a>;
  if (muted.by === 'inhibition') return <a href={href({ ...ALERTS, alert: muted.name })}>another alert</a>;
  return <>the maintenance window {muted.name}</>;
}
