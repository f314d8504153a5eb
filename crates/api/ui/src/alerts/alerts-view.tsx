// Alerts of all clusters.

import type { AlertsAddress } from '../address';

export function AlertsView(_: { address: AlertsAddress }) {
  return <section class="card" id="content" tabIndex={-1} />;
}
