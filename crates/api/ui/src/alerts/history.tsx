// What happened to alerts, newest first.

import { ALERTS, clusterAddress, href } from '../address';
import { fullTime, timeOfDay } from '../format';
import type { AlertEvent } from '../protocol';
import { ask } from '../rest';
import { Shape } from '../shape';
import type { State } from '../state';
import { More } from './more';
import type { Page } from './pages';
import { usePages } from './pages';
import { matchesAlert } from './select';

const PAGE_EVENTS = 50;

export const EVENT_WORD: Record<AlertEvent['kind'], string> = {
  fired: 'fired',
  severity_raised: 'became more severe',
  explained: 'was explained',
  acknowledged: 'was acknowledged',
  muted: 'was muted',
  unmuted: 'is told again',
  resolved: 'is over',
};

interface Props {
  cluster: string | null;
  filter: string;
  /** Changes when something new happened. */
  latest: string;
}

export function History({ cluster, filter, latest }: Props) {
  const pages = usePages(`${cluster ?? ''}/${latest}`, (before) => load(cluster, before));
  const events = (pages.items ?? []).filter((event) => matchesAlert(event.alert, filter));
  return (
    <section class="card" aria-label="History of alerts" data-testid="alerts-history">
      {pages.items != null && events.length === 0 && <p class="empty">{filter === '' ? 'Nothing fired or was over so far.' : `Nothing matches “${filter}”.`}</p>}
      <ol>
        {byDay(events).map(({ day, ofDay }) => (
          <li key={day}>
            <h2 class="day">{day}</h2>
            <ol>
              {ofDay.map((event, index) => (
                <Event event={event} key={`${event.at}/${event.alert.id}/${index}`} />
              ))}
            </ol>
          </li>
        ))}
      </ol>
      <More pages={pages} what="events" />
    </section>
  );
}

function Event({ event }: { event: AlertEvent }) {
  const { alert, at, kind } = event;
  const shape: State = kind === 'resolved' ? 'healthy' : alert.severity;
  return (
    <li class="past">
      <time class="muted" dateTime={at} title={fullTime(Date.parse(at))}>
        {timeOfDay(Date.parse(at))}
      </time>
      <Shape state={shape} label={kind === 'resolved' ? 'over:' : `${alert.severity}:`} />
      <p>
        <a href={href(clusterAddress(alert.cluster))}>
          <bdi>{alert.cluster}</bdi>
        </a>{' '}
        <span>
          {alert.rule} <span class="muted">of</span> <bdi>{alert.subject.name}</bdi> {EVENT_WORD[kind] ?? kind}
        </span>
        <span class="muted past-cause">{kind === 'acknowledged' ? said(event) : alert.cause}</span>
        {alert.state !== 'resolved' && kind !== 'resolved' && (
          <a class="past-link muted" href={href({ ...ALERTS, alert: alert.id })}>
            show
          </a>
        )}
      </p>
    </li>
  );
}

function said({ alert }: AlertEvent): string {
  const { by = 'somebody', comment = '' } = alert.acknowledged ?? {};
  return comment === '' ? `by ${by}` : `by ${by}: ${comment}`;
}

async function load(cluster: string | null, before: string | null): Promise<Page<AlertEvent>> {
  const query = new URLSearchParams({ limit: String(PAGE_EVENTS) });
  if (cluster != null) query.set('cluster', cluster);
  if (before != null) query.set('before', before);
  const answer = await ask<{ history: AlertEvent[]; next?: string | number | null }>(`api/v1/alerts/history?${query}`);
  // The daemon tells a page oldest first.
  return { items: [...answer.history].reverse(), next: answer.next == null ? null : String(answer.next) };
}

function byDay(events: AlertEvent[]): { day: string; ofDay: AlertEvent[] }[] {
  const days = new Map<string, AlertEvent[]>();
  for (const event of events) {
    const day = new Date(event.at).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return [...days].map(([day, ofDay]) => ({ day, ofDay }));
}
