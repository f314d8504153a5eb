// Who leads, since when, and how often that changed.

import type { Snapshot } from '../protocol';
import { Ago } from '../ago';
import { Copy } from '../copy';
import { whole } from '../format';
import { Known, Unknown } from '../unknown';

export function LeaderPanel({ snapshot }: { snapshot: Snapshot }) {
  const { leader, leader_changes: changes, last_answer_at: answered } = snapshot.status;
  const none = answered == null ? 'no member has answered yet' : 'no agreed leader';
  return (
    <section class="card panel" aria-labelledby="leader-title" data-testid="leader">
      <h2 id="leader-title">Leader</h2>
      <p class="figure">
        <span class={leader == null ? '' : 'figure-value'} data-testid="leader-name">
          {leader == null ? <Unknown reason={none} /> : <bdi>{leader.name || leader.id}</bdi>}
        </span>
        <span class="muted">{leader == null ? none : <>since <Ago at={leader.since} /></>}</span>
      </p>
      {leader != null && (
        <p class="muted">
          term {whole(leader.term)} · <code>{leader.id}</code>
          <Copy text={leader.id} what="id of the leader" />
        </p>
      )}
      <p class="muted">
        changes seen: <Known value={changes} reason="no leader was seen yet" show={whole} />
      </p>
    </section>
  );
}
