// Where a cluster's benchmarks are.

import { href } from '../address';

export function BenchmarkPanel({ cluster }: { cluster: string }) {
  return (
    <section class="card benchmark-panel" aria-labelledby="benchmark-panel-title" data-testid="benchmark-panel">
      <h2 id="benchmark-panel-title">How fast it can go</h2>
      <p class="muted">A benchmark puts a bounded load on the cluster and measures what becomes of it.</p>
      <p>
        <a href={href({ view: 'benchmarks', cluster })}>Benchmarks of this cluster</a>
      </p>
    </section>
  );
}
