// Active alerts, and what fired and resolved lately.

import type { Alert, AlertEvent, Alerts as AlertsDocument } from './protocol';
import { Ago } from './ago';
import { Shape } from './shape';
import type { State } from './state';
import { severityRank } from './state';

/** Events shown; the API has the rest. */
const EVENTS_SHOWN = 12;

export function Alerts({ alerts, filter }: { alerts: AlertsDocument | null; filter: string }) {
  return (
    <section class="card list" id="alerts" tabIndex={-1} aria-labelledby="alerts-title" data-testid="alerts">
      <h2 id="alerts-title">Alerts</h2>
      {alerts == null ? <p class="empty">The daemon has not sent its alerts yet.</p> : <Known alerts={alerts} filter={filter} />}
    </section>
  );
}

function Known({ alerts, filter }: { alerts: AlertsDocument; filter: string }) {
  const active = alerts.alerts.filter((alert) => alert.state !== 'resolved' && matches(alert, filter)).sort(worstFirst);
  const events = alerts.history.filter((event) => matches(event.alert, filter)).slice(-EVENTS_SHOWN).reverse();
  return (
    <>
      {active.length === 0 && <p class="empty">{filter === '' ? 'No alert is active.' : `No active alert matches “${filter}”.`}</p>}
      <ul data-testid="active-alerts">
        {active.map((alert) => (
          <ActiveAlert alert={alert} key={alert.id} />
        ))}
      </ul>
      <h3>Recent</h3>
      {events.length === 0 && <p class="empty">Nothing fired or resolved since the daemon started.</p>}
      <ol class="events" data-testid="alert-history">
        {events.map((event, index) => (
          <Event event={event} key={`${event.at}/${event.alert.id}/${index}`} />
        ))}
      </ol>
    </>
  );
}

function ActiveAlert({ alert }: { alert: Alert }) {
  return (
    <li class="item" id={`alert-${alert.id}`} data-testid={`alert-${alert.rule}`}>
      <Shape state={alert.severity} label={`${alert.severity}:`} />
      <div>
        <p class="item-title">{alert.cause || alert.rule}</p>
        <p class="muted item-meta">
          <a href={`#alert-${alert.id}`}>{alert.rule}</a>
          <span>{alert.subject.name}</span>
          <span>{alert.state}</span>
          <span>
            since <Ago at={alert.since} />
          </span>
        </p>
      </div>
    </li>
  );
}

function Event({ event }: { event: AlertEvent }) {
  const shape: State = event.kind === 'resolved' ? 'healthy' : event.alert.severity;
  return (
    <li class="event">
      <Shape state={shape} />
      <span>
        {event.alert.rule} <span class="muted">of {event.alert.subject.name}</span> {event.kind}
      </span>
      <span class="muted right">
        <Ago at={event.at} suffix=" ago" />
      </span>
    </li>
  );
}

function worstFirst(a: Alert, b: Alert): number {
  return severityRank(b.severity) - severityRank(a.severity);
}

function matches(alert: Alert, filter: string): boolean {
  const text = [alert.rule, alert.subject.name, alert.cause, alert.alert_type, alert.severity].join(' ');
  return text.toLowerCase().includes(filter.trim().toLowerCase());
}
