// The charts: what each shows, in which unit, and how a value of it is read from a live snapshot.

import type { Member } from '../../protocol';
import { latency, rate, significant, size, whole } from '../../format';

export type Quantile = 'p50' | 'p95' | 'p99';
export const QUANTILES: Quantile[] = ['p50', 'p95', 'p99'];

/** A level that a value is held against, drawn as a line. */
export interface Level {
  value: number;
  severity: 'warning' | 'critical';
}

export interface ChartKind {
  id: string;
  title: string;
  /** What is measured, in a sentence. */
  about: string;
  /** Name of the series in the history. */
  metric: (quantile: Quantile) => string;
  /** The same of a live snapshot. */
  live: (member: Member, quantile: Quantile) => number | null | undefined;
  show: (value: number) => string;
  /** How the axis is divided: by powers of ten or of two. */
  scale: 'decimal' | 'binary';
  /** A latency: its quantile can be chosen and its axis be logarithmic. */
  isLatency?: boolean;
  levels?: Level[];
  /** Why there may be nothing. */
  missing: string;
}

const NO_METRICS = 'no member gave it in this time: its metrics page is missing, or too little happened to measure';

const entries = (value: number) => (value < 10 ? significant(value) : whole(value));
type Quantiles = Record<`${Quantile}_seconds`, number | null>;
const quantileOf = (durations: Quantiles | null | undefined, quantile: Quantile) => durations?.[`${quantile}_seconds`];

const latencies: ChartKind[] = [
  {
    id: 'read',
    title: 'Read latency',
    about: "The monitor's own linearizable reads through each member, over 5 minutes",
    metric: (quantile) => `read_${quantile}_seconds`,
    live: (member, quantile) => (member.last_read_seconds == null ? null : quantileOf(member.read_latency, quantile)),
    show: latency,
    scale: 'decimal',
    isLatency: true,
    missing: 'no linearizable read succeeded in this time',
  },
  {
    id: 'write',
    title: 'Write latency',
    about: "Clients' puts and transactions, or the canary's writes, over 5 minutes",
    metric: (quantile) => `write_${quantile}_seconds`,
    live: (member, quantile) => member.counters?.[`write_${quantile}_seconds`],
    show: latency,
    scale: 'decimal',
    isLatency: true,
    missing: 'no member reports writes in this time: that takes writes on etcd 3.7, or the canary',
  },
];

const disk: ChartKind[] = [
  {
    id: 'fsync',
    title: 'WAL fsync',
    about: 'Duration of fsyncs of the write-ahead log, over 5 minutes',
    metric: (quantile) => `wal_fsync_${quantile}_seconds`,
    live: (member, quantile) => quantileOf(member.metrics?.disk.wal_fsync, quantile),
    levels: [{ value: 0.01, severity: 'warning' }, { value: 0.1, severity: 'critical' }],
    show: latency,
    scale: 'decimal',
    isLatency: true,
    missing: NO_METRICS,
  },
  {
    id: 'commit',
    title: 'Backend commit',
    about: 'Duration of commits of the backend, over 5 minutes',
    metric: (quantile) => `backend_commit_${quantile}_seconds`,
    live: (member, quantile) => quantileOf(member.metrics?.disk.backend_commit, quantile),
    levels: [{ value: 0.025, severity: 'warning' }, { value: 0.25, severity: 'critical' }],
    show: latency,
    scale: 'decimal',
    isLatency: true,
    missing: NO_METRICS,
  },
];

/** The kind whose chart has the quota and its forecast. */
export const DATABASE = 'database';

const amounts: ChartKind[] = [
  {
    id: 'rate',
    title: 'Requests',
    about: 'Unary calls that each member handled, the monitor’s own included',
    metric: () => 'requests_per_second',
    live: (member) => member.metrics?.requests.per_second,
    show: rate,
    scale: 'decimal',
    missing: NO_METRICS,
  },
  {
    id: DATABASE,
    title: 'Database in use',
    about: 'Bytes of the backend file in use, against the quota',
    metric: () => 'database_in_use_bytes',
    live: (member) => member.database?.in_use_bytes,
    show: size,
    scale: 'binary',
    missing: 'no member answered in this time',
  },
];

const raft: ChartKind[] = [
  {
    id: 'lag',
    title: 'Raft lag',
    about: 'Entries that are committed and that the member has not applied yet',
    metric: () => 'apply_lag_entries',
    live: (member) => member.capacity?.apply_lag,
    show: entries,
    scale: 'decimal',
    missing: 'no member answered in this time',
  },
  {
    id: 'proposals',
    title: 'Proposals pending',
    about: 'Proposals that wait to be committed',
    metric: () => 'proposals_pending',
    live: (member) => member.metrics?.raft.proposals_pending,
    show: entries,
    scale: 'decimal',
    missing: NO_METRICS,
  },
  {
    id: 'heartbeats',
    title: 'Late heartbeats',
    about: 'Heartbeats that the leader sent too late: elections follow',
    metric: () => 'heartbeat_failures_per_second',
    live: (member) => member.metrics?.raft.heartbeat_failures_per_second,
    show: rate,
    scale: 'decimal',
    missing: NO_METRICS,
  },
];

const clients: ChartKind[] = [
  {
    id: 'watchers',
    title: 'Watchers',
    about: 'Watchers on each member',
    metric: () => 'watchers',
    live: (member) => member.metrics?.watch.watchers,
    show: entries,
    scale: 'decimal',
    missing: NO_METRICS,
  },
  {
    id: 'clients',
    title: 'Calls and streams in flight',
    about: 'Started and not ended; etcd does not count connections',
    metric: () => 'rpcs_in_flight',
    live: (member) => member.metrics?.requests.in_flight,
    show: entries,
    scale: 'decimal',
    missing: NO_METRICS,
  },
  {
    id: 'memory',
    title: 'Memory',
    about: 'Resident memory of each member’s process',
    metric: () => 'resident_memory_bytes',
    live: (member) => member.counters?.resident_memory_bytes,
    show: size,
    scale: 'binary',
    missing: NO_METRICS,
  },
];

/** Every chart, in the order in which they are shown. */
export const KINDS: ChartKind[] = [...latencies, ...amounts, ...disk, ...raft, ...clients];
