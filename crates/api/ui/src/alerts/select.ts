// Which alerts are shown, and in which order.

import type { Alert, Alerts } from '../protocol';
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

function worstFirst(a: Alert, b: Alert): number {
  const calm = Number(!isOpen(a)) - Number(!isOpen(b));
  return severityRank(b.severity) - severityRank(a.severity) || calm || Date.parse(a.since) - Date.parse(b.since);
}
