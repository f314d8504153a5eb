// What the daemon tells of benchmarks, and what the page concludes from it. Texts of errors are untrusted.

import { latency, rate, size, span, whole } from '../format';
import type { State } from '../state';

export const PATH = 'api/v1/performance/benchmark';

export type Kind = 'write' | 'read' | 'mixed' | 'range' | 'delete' | 'txn';
export type JobState = 'queued' | 'running' | 'finished' | 'failed' | 'cancelled' | 'aborted';
type Phase = 'checking' | 'populating' | 'measuring' | 'cleaning_up';

/** Each kind, and what it asks of the cluster. */
export const KINDS: [Kind, string][] = [
  ['write', 'puts of single keys'],
  ['read', 'reads of single keys, which it writes first'],
  ['mixed', 'half reads, half puts'],
  ['range', 'reads of 100 neighbouring keys, which it writes first'],
  ['delete', 'deletions of single keys, which it writes first'],
  ['txn', 'transactions that compare and swap one key'],
];

export interface Asked {
  benchmark_type: Kind;
  operations: number;
  connections: number;
  clients: number;
  key_size: number;
  value_size: number;
  rate_limit: number;
}

export type NumberName = Exclude<keyof Asked, 'benchmark_type'>;

export interface Bounds {
  least: number;
  most: number;
  usual: number;
}

export type Limits = Record<NumberName, Bounds> & {
  seconds_max: number;
  written_bytes_max: number;
  read_bytes_max: number;
  quota_share_max: number;
};

export interface Reason {
  code: string;
  detail: string;
}

interface Common {
  id: string;
  url: string;
  cluster: string;
  state: JobState;
  asked: Asked;
  requested_by: string | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  reason: Reason | null;
}

export interface Line extends Common {
  per_second: number | null;
  p50_seconds: number | null;
  p99_seconds: number | null;
  failed: number | null;
  valid: boolean | null;
}

/** `api/v1/performance/benchmark`. */
export interface BenchmarkPage {
  benchmarks: Line[];
  limits: Limits;
}

export interface Progress {
  phase: Phase;
  planned: number;
  succeeded: number;
  failed: number;
  latest: { succeeded: number; failed: number; p50_seconds: number | null; p99_seconds: number | null } | null;
}

export interface Latencies {
  count: number;
  mean_seconds: number | null;
  p50_seconds: number | null;
  p95_seconds: number | null;
  p99_seconds: number | null;
  p99_9_seconds: number | null;
  max_seconds: number | null;
}

export interface Operation {
  kind: string;
  succeeded: number;
  failed: number;
  per_second: number | null;
  response: Latencies;
  histogram: Bucket[];
}

export interface Bucket {
  below_seconds: number | null;
  count: number;
}

export interface Report {
  window_seconds: number;
  succeeded: number;
  failed: number;
  per_second: number | null;
  operations: Operation[];
  errors: Record<string, { count: number; example: string }>;
  ended_early: string | null;
  doubts: string[];
  valid: boolean;
  /** What limited it; not there in reports of earlier releases. */
  bottleneck?: { limit: string; evidence: string[]; action: string };
  accounting: { acknowledged: number; unknown: number; revision_before: number; revision_after: number | null; verdict: string };
}

/** `api/v1/performance/benchmark/{id}`. */
export interface Job extends Common {
  prefix: string;
  progress: Progress | null;
  keys_left: string | null;
  report: Report | null;
}

export function isOver(state: JobState): boolean {
  return state !== 'queued' && state !== 'running';
}

/** The shape of a benchmark: a result that says nothing is not known, a loss is critical. */
export function shapeOf({ state, reason }: Pick<Common, 'state' | 'reason'>, valid: boolean | null): State {
  if (!isOver(state)) return 'info';
  if (reason?.code === 'acknowledged_lost') return 'critical';
  if (state === 'failed' || state === 'aborted') return 'warning';
  return state === 'finished' && valid === true ? 'healthy' : 'unknown';
}

const PHASES: Record<Phase, string> = {
  checking: 'Looks at the cluster',
  populating: 'Writes the keys that are to be asked for',
  measuring: 'Measures',
  cleaning_up: 'Deletes its keys',
};

/** What is so with it, in one sentence. */
export function sentenceOf(job: Common, found: { progress?: Progress | null; per_second: number | null; p99_seconds: number | null }): string {
  const { state, reason } = job;
  if (state === 'queued') return 'Waits for the benchmark of another cluster to end';
  if (state === 'running') return found.progress == null ? 'Begins' : PHASES[found.progress.phase];
  if (state !== 'finished' && reason != null) return `${upper(state)}: ${reason.detail}`;
  if (found.per_second == null || found.p99_seconds == null) return upper(state);
  return `${rate(found.per_second)} answered, 99 % within ${latency(found.p99_seconds)}`;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What was asked for: `1 000 writes, 1 000 /s at most, 10 clients`. */
export function askedInWords({ benchmark_type: kind, operations, rate_limit: limit, clients, connections }: Asked): string {
  return `${kind}, ${whole(operations)} requests, ${whole(limit)} /s at most, ${clients} clients on ${connections} connections`;
}

/** The longest of a figure over all kinds of requests; null where nothing was measured. */
export function longest(report: Report | null, figure: 'p50_seconds' | 'p99_seconds'): number | null {
  const all = (report?.operations ?? []).map((operation) => operation.response[figure]);
  return all.reduce((most, one) => (one == null || (most != null && most >= one) ? most : one), null);
}

/** How far the phase is, from 0 to 1; null where it makes no requests. */
export function shareOf({ planned, succeeded, failed }: Progress): number | null {
  return planned === 0 ? null : Math.min(1, (succeeded + failed) / planned);
}

/** What a benchmark of these numbers does to the cluster. */
export function costInWords(asked: Asked): string {
  const { benchmark_type: kind, operations, key_size: key, value_size: value, rate_limit: limit } = asked;
  const before = kind === 'write' || kind === 'txn' ? 0 : operations;
  const measured = kind === 'write' || kind === 'txn' || kind === 'mixed' ? operations : 0;
  const bytes = size((before + measured) * (key + value));
  const written = before === 0 ? '' : `, after the ${whole(before)} keys that it needs`;
  return `${span(Math.ceil((before + operations) / limit))} or longer for ${whole(operations)} requests${written}; up to ${bytes} written`;
}

const VERDICTS: Record<string, [State, string]> = {
  nothing_lost: ['healthy', 'Nothing that was acknowledged is lost'],
  lost: ['critical', 'Acknowledged changes are lost: the cluster has fewer revisions than it acknowledged'],
  others_wrote: ['info', 'Others wrote meanwhile, which may hide a loss'],
  unknown: ['unknown', 'Whether anything is lost is not known: nobody told the revision afterwards'],
};

/** What the revisions say about the changes. */
export function verdictOf(verdict: string): [State, string] {
  return VERDICTS[verdict] ?? ['unknown', verdict];
}

const LIMITS: Record<string, string> = {
  none: 'Nothing limited it: the rate that was asked was reached',
  wal_fsync: 'The disk limited it: syncs of the write-ahead log',
  backend_commit: 'The disk limited it: commits of the backend',
  server_cpu: 'The CPU of a member limited it',
  peer_network: 'The network between the members limited it',
  client_network: 'The network between the daemon and the members limited it',
  client_machine: 'The machine of the daemon limited it, which the load came from',
  client_flow: 'The load limited it: every client waited for its answer, and nothing was at its limit',
  outage: 'The cluster gave no service for a part of the time',
  unknown: 'What limited it is not known',
};

/** What limited a run. */
export function limitInWords(limit: string): string {
  return LIMITS[limit] ?? `Limited by ${limit}`;
}

/** A bucket by its bounds: `1 to 5 ms`. */
export function boundsInWords(buckets: Bucket[], place: number): string {
  const low = buckets[place - 1]?.below_seconds;
  const high = buckets[place]?.below_seconds;
  if (low == null) return high == null ? 'all' : `below ${latency(high)}`;
  return high == null ? `${latency(low)} and more` : `${latency(low)} to ${latency(high)}`;
}
