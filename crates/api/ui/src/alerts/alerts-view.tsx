// The alerts page: what is active, what happened, and what is silenced.

import { useMemo } from 'preact/hooks';
import type { AlertsAddress, AlertsTab } from '../address';
import { ALERTS, href } from '../address';
import { count } from '../format';
import type { Alerts } from '../protocol';
import { Shape } from '../shape';
import { ActiveAlerts } from './active';
import { History } from './history';
import { alertsOf, groups, isOpen, matchesAlert, sentence, stateOf } from './select';
import { Silences } from './silences';

interface Props {
  address: AlertsAddress;
  alerts: Alerts | null;
  filter: string;
  stale: boolean;
  /** Something was changed: the daemon is asked anew. */
  onChanged: () => void;
}

export function AlertsView({ address, alerts, filter, stale, onChanged }: Props) {
  const shown = useMemo(() => (alerts == null ? null : alertsOf(alerts, address.cluster)), [alerts, address.cluster]);
  return (
    <div class="alerts-page" data-testid="alerts-page">
      <Summary address={address} alerts={shown} stale={stale} />
      <Tabs address={address} />
      {address.tab === 'active' && <Active address={address} alerts={shown} filter={filter} onChanged={onChanged} />}
      {address.tab === 'history' && <History cluster={address.cluster} filter={filter} latest={shown?.history.at(-1)?.at ?? ''} />}
      {address.tab === 'silences' && <Silences filter={filter} onChanged={onChanged} />}
    </div>
  );
}

function Summary({ address, alerts, stale }: { address: AlertsAddress; alerts: Alerts | null; stale: boolean }) {
  const active = alerts?.alerts ?? [];
  const firing = active.filter((alert) => alert.state === 'firing');
  const held = firing.filter((alert) => !isOpen(alert)).length;
  const state = alerts == null || stale ? 'unknown' : stateOf(active);
  return (
    <section class={`card fleet-summary verdict-${state}`} data-testid="alerts-summary" data-state={state}>
      <h1>
        <Shape state={state} />
        <span>
          {stale && <span class="last-known">Last known: </span>}
          {alerts == null ? 'The alerts are not known yet' : sentence(active)}
        </span>
      </h1>
      {held > 0 && <p class="muted">{`${count(held, 'alert')} acknowledged, muted or explained`}</p>}
      {address.cluster != null && (
        <p class="muted">
          Of <bdi>{address.cluster}</bdi> only. <a href={href({ ...address, cluster: null })}>Show all clusters</a>
        </p>
      )}
    </section>
  );
}

const TAB_WORD: Record<AlertsTab, string> = { active: 'Active', history: 'History', silences: 'Silences' };

function Tabs({ address }: { address: AlertsAddress }) {
  return (
    <nav class="choice choice-tabs" aria-label="Parts of the alerts page">
      {(Object.keys(TAB_WORD) as AlertsTab[]).map((tab) => (
        <a href={href({ ...ALERTS, tab, cluster: address.cluster })} aria-current={tab === address.tab ? 'true' : undefined} key={tab}>
          {TAB_WORD[tab]}
        </a>
      ))}
    </nav>
  );
}

type ActiveProps = Pick<Props, 'address' | 'alerts' | 'filter' | 'onChanged'>;

function Active({ address, alerts, filter, onChanged }: ActiveProps) {
  const shown = useMemo(() => groups((alerts?.alerts ?? []).filter((alert) => matchesAlert(alert, filter))), [alerts, filter]);
  // Drawn anew only when something changed; times run on by themselves.
  const list = useMemo(() => <ActiveAlerts groups={shown} pointed={address.alert} onChanged={onChanged} />, [shown, address.alert, onChanged]);
  if (alerts == null) return <p class="card empty" role="status">Loading the alerts …</p>;
  const pointedIsGone = address.alert != null && !alerts.alerts.some((alert) => alert.id === address.alert);
  return (
    <>
      {pointedIsGone && <Gone address={address} alerts={alerts} />}
      {shown.length === 0 ? <Nothing filter={filter} /> : list}
    </>
  );
}

function Nothing({ filter }: { filter: string }) {
  if (filter !== '') return <p class="card empty">No active alert matches “{filter}”.</p>;
  return (
    <section class="card quiet" data-testid="no-alerts">
      <p>Nothing is active. What fired before is in the history.</p>
    </section>
  );
}

/** The link was to an alert that is not active any more. */
function Gone({ address, alerts }: { address: AlertsAddress; alerts: Alerts }) {
  const last = alerts.history.findLast((event) => event.alert.id === address.alert);
  return (
    <p class="card notice" role="status" data-testid="alert-gone">
      {last == null ? 'The alert of this link is not active any more' : `${last.alert.rule} of ${last.alert.subject.name} is over`}.{' '}
      <a href={href({ ...ALERTS, tab: 'history', cluster: address.cluster })}>See the history</a>
    </p>
  );
}
