// Conditions of silences as text: `cluster="prod"`.

import type { Alert } from '../protocol';

/** The condition that `label` has exactly this value. */
export function equal(label: string, value: string): string {
  const quoted = value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  return `${label}="${quoted}"`;
}

/** Conditions that only this alert fulfils, while it goes on and when it comes again. */
export function matchersOf(alert: Alert): string[] {
  const of = [equal('cluster', alert.cluster), equal('rule', alert.rule)];
  return alert.subject.kind === 'cluster' ? of : [...of, equal('subject', alert.subject.name)];
}

/** One condition per line; empty lines are none. */
export function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}
