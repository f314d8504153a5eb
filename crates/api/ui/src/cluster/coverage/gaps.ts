// What the monitor does not know, in few words: by reason, and what lasts before what passes by itself.

import type { Finding, Subject } from '../../protocol';

/** One reason, and all that it leaves unknown. */
export interface Gap {
  reason: string;
  rules: string[];
  subjects: string[];
  /** True where somebody has to change something; false where it is known by itself after a while. */
  lasts: boolean;
}

/** Classes of reasons that pass by themselves. */
const PASSING = ['not_enough_data', 'monitor_late', 'member_unreachable', 'not_asked', 'metrics_unread'];

/** The gaps of a cluster's findings, lasting ones first, then the largest. */
export function gapsOf(findings: Finding[]): Gap[] {
  const gaps = new Map<string, Gap>();
  for (const finding of findings) {
    if (finding.status !== 'unknown') continue;
    const reason = finding.unknown_reason ?? 'no reason given';
    const gap = gaps.get(reason) ?? { reason, rules: [], subjects: [], lasts: !PASSING.includes(finding.unknown_class ?? '') };
    gaps.set(reason, gap);
    add(gap.rules, finding.rule);
    add(gap.subjects, subjectName(finding.subject));
  }
  return [...gaps.values()].sort((a, b) => Number(b.lasts) - Number(a.lasts) || b.rules.length - a.rules.length);
}

function add(list: string[], text: string): void {
  if (!list.includes(text)) list.push(text);
}

/** `m1`, or `the cluster`. */
export function subjectName(subject: Subject): string {
  return subject.kind === 'cluster' ? 'the cluster' : subject.name;
}

const NAMES_MAX = 3;

/** Names in a list that stays short: `m1, m2, m3 and 4 more`. */
export function listed(names: string[]): string {
  const shown = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${shown} and ${names.length - NAMES_MAX} more` : shown;
}
