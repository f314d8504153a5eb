// Every watched cluster in one line, worst first.

import type { FleetAddress } from '../address';
import { clusterAddress, href } from '../address';
import type { ClusterSummary } from '../protocol';

export function FleetView({ clusters }: { clusters: ClusterSummary[]; address: FleetAddress }) {
  return (
    <section class="card" id="content" tabIndex={-1}>
      <ul>
        {clusters.map((line) => (
          <li key={line.cluster}>
            <a href={href(clusterAddress(line.cluster))}>{line.cluster}</a> {line.sentence}
          </li>
        ))}
      </ul>
    </section>
  );
}
