// What fired and resolved in an incident, in order.

import { ALERTS, href } from '../../address';
import { EVENT_WORD } from '../../alerts/history';
import { timeOfDay, fullTime } from '../../format';
import type { AlertEvent } from '../../protocol';
import { Shape } from '../../shape';
import { inOrder } from './incident';

export function Events({ events }: { events: AlertEvent[] }) {
  return (
    <section class="card list" aria-labelledby="events-title" data-testid="incident-events">
      <h2 id="events-title">What happened</h2>
      {events.length === 0 && <p class="empty">The events of this incident are no longer kept.</p>}
      <ol class="incident-events">
        {inOrder(events).map((event, index) => (
          <Event event={event} key={`${event.at}/${event.alert.id}/${index}`} />
        ))}
      </ol>
    </section>
  );
}

function Event({ event }: { event: AlertEvent }) {
  const { alert, kind, at } = event;
  return (
    <li class="incident-event">
      <time dateTime={at} title={fullTime(Date.parse(at))}>
        {timeOfDay(Date.parse(at))}
      </time>
      <Shape state={kind === 'resolved' ? 'healthy' : alert.severity} label={kind === 'resolved' ? 'over:' : `${alert.severity}:`} />
      <div>
        <p>
          <a href={href({ ...ALERTS, tab: 'history', cluster: alert.cluster, alert: alert.id })}>{alert.rule}</a> <span class="muted">of</span> <bdi>{alert.subject.name}</bdi>{' '}
          <span class="muted">{EVENT_WORD[kind] ?? kind}</span>
        </p>
        {kind !== 'resolved' && alert.cause !== '' && <p class="muted">{alert.cause}</p>}
      </div>
    </li>
  );
}
