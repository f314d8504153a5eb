// An incident: alerts of a cluster that belong together in time, with the recording of the black box.

import type { Range } from '../../address';
import { span } from '../../format';
import type { AlertEvent, Severity } from '../../protocol';

/** One line of `api/v1/incidents`. */
export interface Incident {
  id: string;
  cluster: string;
  began_at: string;
  /** Null while it goes on. */
  ended_at: string | null;
  worst: Severity | null;
  sentence: string;
  /** Ids of its alerts. */
  alerts: string[];
  /** Name of the black box's recording; null where there is none. */
  recording: string | null;
}

/** `api/v1/incidents`: a page, newest last. */
export interface IncidentPage {
  incidents: Incident[];
  /** The cursor to those before; null where there are none. */
  next: string | null;
}

/** `api/v1/incidents/{id}`: with its alert events, oldest first. */
export interface IncidentDocument extends Incident {
  events: AlertEvent[];
}

/** What is shown before it began and after it ended, to see what was usual; at most as long as the incident was. */
const AROUND_MAX_SECONDS = 900;
const AROUND_MIN_SECONDS = 120;

/** The stretch of time that the charts of an incident show, at `now` in unix seconds. */
export function rangeOf(incident: Incident, now: number): Range {
  const began = Date.parse(incident.began_at) / 1000;
  const ended = incident.ended_at == null ? now : Date.parse(incident.ended_at) / 1000;
  const around = Math.min(AROUND_MAX_SECONDS, Math.max(AROUND_MIN_SECONDS, ended - began));
  return { from: Math.floor(began - around), to: Math.ceil(Math.min(now, ended + around)) };
}

/** The newest incident that `alert` belongs to; null where none of these has it. */
export function incidentOf(incidents: Incident[], alert: string): Incident | null {
  return sorted(incidents).find((incident) => incident.alerts.includes(alert)) ?? null;
}

/** How long it lasted, or has lasted: `11 min`. */
export function lasted(incident: Incident, now: number): string {
  const ended = incident.ended_at == null ? now * 1000 : Date.parse(incident.ended_at);
  return span((ended - Date.parse(incident.began_at)) / 1000);
}

/** Its events in order of time. */
export function inOrder(events: AlertEvent[]): AlertEvent[] {
  return [...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Newest first; what goes on before what is over. */
export function sorted(incidents: Incident[]): Incident[] {
  const isOver = (incident: Incident) => Number(incident.ended_at != null);
  return [...incidents].sort((a, b) => isOver(a) - isOver(b) || Date.parse(b.began_at) - Date.parse(a.began_at));
}
