// The pages of one cluster and of incidents.

export { ClusterView } from './cluster-view';
export { IncidentList } from './incidents/list';
export { IncidentView } from './incidents/view';
