// The questions that take the place of events, or tell what events leave out.

import type { Alert, AlertEvent, Alerts, ClusterSummary, Snapshot } from '../protocol';
import { ask } from '../rest';

/** Events of the past that are shown beside the active alerts. */
const EVENTS = 50;

export async function clusters(): Promise<ClusterSummary[]> {
  return (await ask<{ clusters: ClusterSummary[] }>('api/v1/clusters')).clusters;
}

export function snapshot(cluster: string): Promise<Snapshot> {
  return ask<Snapshot>(`api/v1/cluster/snapshot?cluster=${encodeURIComponent(cluster)}`);
}

/** Active alerts and latest events of all clusters. */
export async function alerts(): Promise<Alerts> {
  const [active, past] = await Promise.all([
    ask<{ alerts: Alert[] }>('api/v1/alerts'),
    ask<{ history: AlertEvent[] }>(`api/v1/alerts/history?limit=${EVENTS}`),
  ]);
  return { alerts: active.alerts, history: past.history };
}
