// The pages of one cluster and of incidents.

export { ClusterView } from './cluster-view';
export { IncidentList } from './incident-list';
export { IncidentView } from './incident-view';
