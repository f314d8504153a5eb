// Whether the cluster can agree, and how much it may still lose.

import type { Quorum, Snapshot } from '../protocol';
import { Shape } from '../shape';
import type { State } from '../state';
import { Known, Unknown } from '../unknown';

/** Beyond this many voters the row of shapes says less than the numbers. */
const SHAPES_MAX = 9;
const LATE = 'the monitor itself was late, so silence proves nothing';

export function QuorumPanel({ snapshot }: { snapshot: Snapshot }) {
  const { quorum } = snapshot.status;
  return (
    <section class="card panel" aria-labelledby="quorum-title" data-testid="quorum">
      <h2 id="quorum-title">Quorum</h2>
      {quorum == null ? <Missing /> : <Votes quorum={quorum} />}
    </section>
  );
}

function Missing() {
  return (
    <p class="figure">
      <Unknown reason="the member list is not known yet" />
      <span class="muted">the member list is not known yet</span>
    </p>
  );
}

function Votes({ quorum }: { quorum: Quorum }) {
  return (
    <>
      <p class="figure">
        <span class="figure-value">
          <Known value={quorum.available} reason={LATE} show={String} />
          <span class="figure-of"> / {quorum.voters}</span>
        </span>
        <span class="muted">voters answer</span>
      </p>
      {quorum.voters <= SHAPES_MAX && <VoterShapes quorum={quorum} />}
      <p class="muted">
        {quorum.needed} must agree · <Tolerance quorum={quorum} />
      </p>
    </>
  );
}

function VoterShapes({ quorum }: { quorum: Quorum }) {
  const shapes: State[] = Array.from({ length: quorum.voters }, (_, index) => voterState(quorum, index));
  return (
    <div class="voters" aria-hidden="true">
      {shapes.map((state, index) => (
        <span class={index === quorum.needed ? 'voter voter-spare' : 'voter'} key={index}>
          <Shape state={state} />
        </span>
      ))}
    </div>
  );
}

function voterState(quorum: Quorum, index: number): State {
  if (quorum.available == null) return 'unknown';
  if (index < quorum.available) return 'healthy';
  return quorum.available < quorum.needed ? 'critical' : 'warning';
}

function Tolerance({ quorum }: { quorum: Quorum }) {
  const { available, tolerance, needed } = quorum;
  if (available == null || tolerance == null) return <>how many may still fail is not known</>;
  if (available < needed) return <strong>quorum is lost</strong>;
  return tolerance === 0 ? <strong>none may fail</strong> : <>{tolerance} more may fail</>;
}
