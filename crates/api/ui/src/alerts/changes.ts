// What people decide about alerts.

import type { Alert, Silence } from '../protocol';
import { change } from '../rest';

export interface NewSilence {
  matchers: string[];
  duration_seconds: number;
  comment: string;
  author?: string;
}

export function addSilence(silence: NewSilence): Promise<Silence> {
  return change<Silence>('POST', 'api/v1/silences', silence);
}

export function expireSilence(id: string): Promise<Silence> {
  return change<Silence>('DELETE', `api/v1/silences/${encodeURIComponent(id)}`);
}

export function acknowledge(alert: Alert, said: { comment: string; author?: string }): Promise<unknown> {
  return change('PUT', acknowledgement(alert), said);
}

export function takeBack(alert: Alert): Promise<unknown> {
  return change('DELETE', acknowledgement(alert));
}

function acknowledgement(alert: Alert): string {
  return `api/v1/alerts/${encodeURIComponent(alert.id)}/acknowledgement`;
}
