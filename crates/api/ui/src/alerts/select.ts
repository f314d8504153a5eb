// Which alerts are shown, and in which order.

import { count } from '../format';
import type { Alert, Alerts } from '../protocol';
import type { State } from '../state';
import { severityRank } from '../state';

/** The alerts of one cluster; of all where `cluster` is null. */
export function alertsOf(alerts: Alerts, cluster: string | null): Alerts {
  if (cluster == null) return alerts;
  return {
    alerts: alerts.alerts.filter((alert) => alert.cluster === cluster),
    history: alerts.history.filter((event) => event.alert.cluster === cluster),
  };
}

/** Alerts of one cluster. */
export interface Group {
  cluster: string;
  alerts: Alert[];
}

/** Active alerts by cluster: the cluster with the worst first, in each the worst and oldest first. */
export function groups(alerts: Alert[]): Group[] {
  const byCluster = new Map<string, Alert[]>();
  const active = alerts.filter((alert) => alert.state !== 'resolved').sort(worstFirst);
  for (const alert of active) byCluster.set(alert.cluster, [...(byCluster.get(alert.cluster) ?? []), alert]);
  return [...byCluster].map(([cluster, ofCluster]) => ({ cluster, alerts: ofCluster }));
}

/** Whether the text of an alert has every word of `filter`. */
export function matchesAlert(alert: Alert, filter: string): boolean {
  const text = [alert.cluster, alert.rule, alert.subject.name, alert.cause, alert.alert_type, alert.severity, alert.state];
  const all = text.join(' ').toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** Whether somebody has still to look at it: it fires, nobody has it in hand, and nothing mutes it. */
export function isOpen(alert: Alert): boolean {
  return alert.state === 'firing' && alert.acknowledged == null && alert.muted_by == null && alert.explained_by == null;
}

/** The worst of what needs attention; of what is about to fire where nothing fires. */
export function stateOf(active: Alert[]): State {
  const open = active.filter(isOpen);
  const pending = active.filter((alert) => alert.state === 'pending' && alert.muted_by == null);
  const [worst] = (open.length > 0 ? open : pending).sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
  return worst?.severity ?? 'healthy';
}

/** The alerts in one sentence. */
export function sentence(active: Alert[]): string {
  const open = active.filter(isOpen);
  const critical = open.filter((alert) => alert.severity === 'critical').length;
  if (open.length === 0) return quiet(active);
  if (critical === open.length) return `${count(critical, 'critical alert')} ${needs(critical)}`;
  return `${count(open.length, 'alert')} ${needs(open.length)}${critical > 0 ? `, ${critical} critical` : ''}`;
}

function quiet(active: Alert[]): string {
  const pending = active.filter((alert) => alert.state === 'pending').length;
  if (pending === active.length) return pending === 0 ? 'No alert fires' : `No alert fires yet; ${pending} pending`;
  return pending === 0 ? 'No alert needs attention' : `No alert needs attention yet; ${pending} pending`;
}

function needs(number: number): string {
  return number === 1 ? 'needs attention' : 'need attention';
}

function worstFirst(a: Alert, b: Alert): number {
  const calm = Number(!isOpen(a)) - Number(!isOpen(b));
  return severityRank(b.severity) - severityRank(a.severity) || calm || Date.parse(a.since) - Date.parse(b.since);
}
