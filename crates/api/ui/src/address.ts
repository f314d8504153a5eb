// The addresses of the page: query parameters only, so that it works under any path prefix.

export type Preset = '1h' | '6h' | '24h' | '7d';
/** A stretch of time: the last so long, or from one moment to another in Unix seconds. */
export type Range = { preset: Preset } | { from: number; to: number };

export type FleetSort = 'worst' | 'name' | 'since' | 'latency';
export type AlertsTab = 'active' | 'history' | 'silences';

export interface FleetAddress {
  view: 'fleet';
  sort: FleetSort;
}

export interface ClusterAddress {
  view: 'cluster';
  cluster: string;
  /** The key of a finding that is pointed at. */
  finding: string | null;
  /** Null: the default of the charts. */
  range: Range | null;
}

export interface AlertsAddress {
  view: 'alerts';
  tab: AlertsTab;
  /** Null: of all clusters. */
  cluster: string | null;
  /** The id of an alert that is pointed at. */
  alert: string | null;
}

export interface IncidentsAddress {
  view: 'incidents';
  cluster: string | null;
  /** The id of an alert whose incident is looked for. */
  alert: string | null;
}

export interface IncidentAddress {
  view: 'incident';
  id: string;
}

export interface BenchmarksAddress {
  view: 'benchmarks';
  /** Null: of all clusters. */
  cluster: string | null;
}

export interface BenchmarkAddress {
  view: 'benchmark';
  id: string;
}

/** `home` is the fleet, or the cluster where there is only one. */
export type Address =
  | { view: 'home' }
  | FleetAddress
  | ClusterAddress
  | AlertsAddress
  | IncidentsAddress
  | IncidentAddress
  | BenchmarksAddress
  | BenchmarkAddress;

const SORTS: readonly FleetSort[] = ['worst', 'name', 'since', 'latency'];
const TABS: readonly AlertsTab[] = ['active', 'history', 'silences'];
const PRESETS: readonly Preset[] = ['1h', '6h', '24h', '7d'];

/** The address of the fleet, worst first. */
export const FLEET: FleetAddress = { view: 'fleet', sort: 'worst' };
/** The address of the active alerts of all clusters. */
export const ALERTS: AlertsAddress = { view: 'alerts', tab: 'active', cluster: null, alert: null };
/** The address of the incidents of all clusters. */
export const INCIDENTS: IncidentsAddress = { view: 'incidents', cluster: null, alert: null };

/** The address of the benchmarks of all clusters. */
export const BENCHMARKS: BenchmarksAddress = { view: 'benchmarks', cluster: null };

/** The address of a cluster's page. */
export function clusterAddress(cluster: string, rest: Partial<ClusterAddress> = {}): ClusterAddress {
  return { view: 'cluster', cluster, finding: null, range: null, ...rest };
}

/** Reads the query of an address; what it does not know counts as not said. */
export function parse(search: string): Address {
  const query = new URLSearchParams(search);
  const cluster = query.get('cluster') || null;
  switch (query.get('view')) {
    case 'fleet':
      return { view: 'fleet', sort: oneOf(SORTS, query.get('sort')) ?? 'worst' };
    case 'alerts':
      return { view: 'alerts', tab: oneOf(TABS, query.get('tab')) ?? 'active', cluster, alert: query.get('alert') || null };
    case 'incidents':
      return { view: 'incidents', cluster, alert: query.get('alert') || null };
    case 'incident':
      return incident(query.get('id'));
    case 'benchmarks':
      return { view: 'benchmarks', cluster };
    case 'benchmark':
      return benchmark(query.get('id'));
    default:
      return cluster == null ? { view: 'home' } : clusterOf(cluster, query);
  }
}

/** The query of `address`, with its question mark: what an `href` takes. */
export function href(address: Address): string {
  const query = new URLSearchParams();
  for (const [name, value] of parameters(address)) if (value != null) query.set(name, value);
  return `?${query}`;
}

function parameters(address: Address): [string, string | null][] {
  switch (address.view) {
    case 'home':
      return [];
    case 'fleet':
      return [['view', 'fleet'], ['sort', address.sort === 'worst' ? null : address.sort]];
    case 'cluster':
      return [['cluster', address.cluster], ['finding', address.finding], ...rangeParameters(address.range)];
    case 'alerts':
      return [['view', 'alerts'], ['tab', address.tab === 'active' ? null : address.tab], ['cluster', address.cluster], ['alert', address.alert]];
    case 'incidents':
      return [['view', 'incidents'], ['cluster', address.cluster], ['alert', address.alert]];
    case 'incident':
      return [['view', 'incident'], ['id', address.id]];
    case 'benchmarks':
      return [['view', 'benchmarks'], ['cluster', address.cluster]];
    case 'benchmark':
      return [['view', 'benchmark'], ['id', address.id]];
  }
}

function rangeParameters(range: Range | null): [string, string | null][] {
  if (range == null) return [];
  if ('preset' in range) return [['range', range.preset]];
  return [['from', String(range.from)], ['to', String(range.to)]];
}

function clusterOf(cluster: string, query: URLSearchParams): ClusterAddress {
  return { view: 'cluster', cluster, finding: query.get('finding') || null, range: rangeOf(query) };
}

function rangeOf(query: URLSearchParams): Range | null {
  const preset = oneOf(PRESETS, query.get('range'));
  if (preset != null) return { preset };
  const [from, to] = [seconds(query.get('from')), seconds(query.get('to'))];
  return from != null && to != null && from < to ? { from, to } : null;
}

function seconds(text: string | null): number | null {
  return text != null && /^\d{1,12}(\.\d{1,3})?$/.test(text) ? Number(text) : null;
}

function incident(id: string | null): Address {
  return id ? { view: 'incident', id } : INCIDENTS;
}

function benchmark(id: string | null): Address {
  return id ? { view: 'benchmark', id } : BENCHMARKS;
}

function oneOf<T extends string>(known: readonly T[], text: string | null): T | null {
  return known.find((one) => one === text) ?? null;
}
