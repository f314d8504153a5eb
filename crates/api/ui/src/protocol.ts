// The documents that the daemon answers. Every field that can be unknown is null there, never 0.
// Names, versions, messages and causes may quote what a member answered: untrusted text, rendered as text nodes only.

export type Severity = 'info' | 'warning' | 'critical';
export type Role = 'leader' | 'follower' | 'learner' | 'unknown';

export interface ClusterSummary {
  cluster: string;
  healthy: boolean | null;
  worst: Severity | null;
  sentence: string;
  age_seconds: number | null;
  /** Since when the oldest of its worst findings is true. */
  since?: string | null;
  quorum?: Quorum | null;
  member_count?: number | null;
  leader?: string | null;
  severities?: Record<Severity, number>;
  unknown_findings?: number;
  read_p99_seconds?: number | null;
  versions?: string[];
  alerts_firing?: number;
}

export interface Leader {
  id: string;
  name: string;
  since: string;
  term: number;
}

export interface LeaderChange {
  at: string;
  from: string | null;
  to: string;
  term: number;
}

export interface Quorum {
  voters: number;
  needed: number;
  available: number | null;
  tolerance: number | null;
}

export interface Status {
  cluster: string;
  cluster_id: string | null;
  healthy: boolean | null;
  worst: Severity | null;
  sentence: string;
  leader: Leader | null;
  leader_changes: number | null;
  leader_history: LeaderChange[];
  quorum: Quorum | null;
  member_count: number | null;
  age_seconds: number;
  at: string;
  cycle: number;
  interval_seconds: number;
  cycle_seconds: number;
  monitor: { timer_lag_seconds: number; deadline_seconds: number } | null;
  last_answer_at: string | null;
}

export interface Raft {
  term: number;
  committed_index: number;
  applied_index: number | null;
  revision: number;
}

export interface Database {
  allocated_bytes: number;
  in_use_bytes: number;
  quota_bytes: number | null;
  quota_disabled: boolean;
}

export interface Counters {
  proposals_pending: number | null;
  proposals_failed: number | null;
  request_rate_per_second: number | null;
  wal_fsync_p95_seconds: number | null;
  backend_commit_p95_seconds: number | null;
  resident_memory_bytes: number | null;
  watchers: number | null;
  rpcs_in_flight: number | null;
  write_p50_seconds: number | null;
  write_p95_seconds: number | null;
  write_p99_seconds: number | null;
}

/** Quantiles of what a member measured over the last minutes. */
export interface Durations {
  count: number;
  p50_seconds: number | null;
  p95_seconds: number | null;
  p99_seconds: number | null;
  /** A quantile of this value means "at least". */
  saturated_at_seconds: number | null;
}

/** What is derived of a member's metrics page. */
export interface MemberMetrics {
  requests: { per_second: number | null; in_flight: number | null };
  raft: { proposals_pending: number | null; heartbeat_failures_per_second: number | null };
  disk: { wal_fsync: Durations | null; backend_commit: Durations | null };
  watch: { watchers: number | null };
}

export interface Link {
  from: string;
  from_name: string;
  to: string;
  to_name: string;
  state: 'well' | 'failing' | 'failing_either_way' | 'unknown';
  reason: string;
  sent_bytes_per_second: number | null;
  received_bytes_per_second: number | null;
  failures_per_second: number | null;
  round_trip: { seconds: number; saturated: boolean; stale: boolean } | null;
}

export interface ReadLatency {
  count: number;
  p50_seconds: number;
  p95_seconds: number;
  p99_seconds: number;
  max_seconds: number;
}

export interface Member {
  id: string | null;
  name: string;
  endpoint: string;
  client_urls: string[];
  role: Role;
  healthy: boolean | null;
  linearizable: boolean | null;
  failure: { kind: string; message: string } | null;
  version: string | null;
  raft: Raft | null;
  database: Database | null;
  counters: Counters | null;
  read_latency: ReadLatency | null;
  last_read_seconds: number | null;
  last_answer_at: string | null;
  started_at: string | null;
  metrics?: MemberMetrics;
  capacity?: { apply_lag: number | null };
  trust?: { certificates_end_at: string | null };
}

export interface Subject {
  kind: 'cluster' | 'member' | 'link' | 'monitor';
  name: string;
  id?: string | null;
}

export interface Evidence {
  source: string;
  value: string;
  at: string;
}

export interface Finding {
  rule: string;
  alert_type: string;
  severity: Severity;
  status: 'true' | 'false' | 'unknown';
  unknown_reason?: string;
  unknown_class?: string;
  cluster: string;
  subject: Subject;
  cause: string;
  caused_by: { rule: string; subject: string } | null;
  evidence: Evidence[];
  confidence: 'low' | 'medium' | 'high';
  since: string;
  action: string;
}

export interface Snapshot {
  status: Status;
  members: Member[];
  links?: Link[];
  findings: Finding[];
}

export interface Alert {
  id: string;
  rule: string;
  alert_type: string;
  severity: Severity;
  state: 'pending' | 'firing' | 'resolved';
  cluster: string;
  subject: Subject;
  cause: string;
  action: string;
  since: string;
  fired_at: string | null;
  resolved_at: string | null;
  evidence: Evidence[];
  labels?: Record<string, string>;
  acknowledged?: Acknowledgement | null;
  muted_by?: MutedBy | null;
  explained_by?: { rule: string; subject: string } | null;
  unknown_since?: string | null;
  flapping?: boolean;
}

export interface Acknowledgement {
  by: string;
  at: string;
  comment: string;
}

/** Why nothing new is told about an alert: a silence or an alert by its id, a maintenance window by its name. */
export interface MutedBy {
  by: 'silence' | 'maintenance' | 'inhibition';
  name: string;
}

export interface Silence {
  id: string;
  matchers: string[];
  starts_at: string;
  ends_at: string;
  author: string;
  comment: string;
  state: 'pending' | 'active' | 'expired';
}

export type AccessRole = 'viewer' | 'operator' | 'admin';

/** Who this page is for the daemon. */
export interface Session {
  name: string | null;
  role: AccessRole;
  via: 'open' | 'anonymous' | 'basic' | 'token' | 'cookie' | 'certificate';
  /** Whether the daemon knows users or tokens. */
  authentication: boolean;
  /** Why nobody may change anything here. */
  read_only_reason: string | null;
}

export interface AlertEvent {
  id?: string;
  at: string;
  kind: 'fired' | 'severity_raised' | 'explained' | 'acknowledged' | 'muted' | 'unmuted' | 'resolved';
  alert: Alert;
}

export interface Alerts {
  alerts: Alert[];
  history: AlertEvent[];
}

/** A text that names a subject and stays the same while it exists: kind, and id where there is one. */
export function subjectKey(subject: Subject): string {
  return `${subject.kind}:${subject.id ?? subject.name}`;
}

/** What a finding is found by: unique within a cluster. */
export function findingKey(finding: Finding): string {
  return `${finding.rule}/${subjectKey(finding.subject)}`;
}

/** What people call a member: its name, or its endpoint while it has none. */
export function memberName(member: Member): string {
  return member.name || member.endpoint;
}

/** What a member is found by: its id, or its endpoint while the id is unknown. */
export function memberKey(member: Member): string {
  return member.id ?? (member.endpoint || member.name);
}
