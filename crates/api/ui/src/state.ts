// The five states, each with its own shape and colour. Nothing else on the page is coloured by meaning.

import type { ClusterSummary, Finding, Member, Severity, Status } from './protocol';

export type State = 'critical' | 'warning' | 'info' | 'healthy' | 'unknown';

/** The shape of a state as one character, for titles of windows; on the page `Shape` draws it. */
export const GLYPH: Record<State, string> = {
  critical: '✖',
  warning: '▲',
  info: '◆',
  healthy: '●',
  unknown: '◌',
};

const RANK: Record<Severity, number> = { info: 1, warning: 2, critical: 3 };

/** Orders severities; larger is worse. */
export function severityRank(severity: Severity): number {
  return RANK[severity] ?? 0;
}

/** The state of a cluster: its worst finding above information, else healthy, else unknown. Silence is never healthy. */
export function clusterState(status: Status | ClusterSummary): State {
  if (status.worst != null && status.worst !== 'info') return status.worst;
  if (status.healthy === true) return 'healthy';
  return status.healthy === false ? 'critical' : 'unknown';
}

/** The state of a member: the worst true finding about it, else what it answered. */
export function memberState(member: Member, findings: Finding[]): State {
  const worst = findings
    .filter((finding) => finding.status === 'true' && isAbout(finding, member))
    .reduce<Severity | null>((found, finding) => worse(found, finding.severity), null);
  if (worst != null) return worst;
  if (member.healthy == null) return 'unknown';
  return member.healthy && member.linearizable !== false ? 'healthy' : 'warning';
}

function worse(found: Severity | null, next: Severity): Severity {
  return found != null && severityRank(found) >= severityRank(next) ? found : next;
}

function isAbout(finding: Finding, member: Member): boolean {
  const { subject } = finding;
  if (subject.kind !== 'member') return false;
  return subject.id != null ? subject.id === member.id : subject.name === member.name;
}

/** The true findings that no other finding explains, worst first; among equals the order of the daemon. */
export function rootFindings(findings: Finding[]): Finding[] {
  return findings
    .filter((finding) => finding.status === 'true' && finding.caused_by == null)
    .sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
}
