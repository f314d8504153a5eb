// What is known of one member beyond its row.

import type { ComponentChildren } from 'preact';
import type { Member } from '../../protocol';
import { Copy } from '../../copy';
import { latency, rate, size, whole } from '../../format';
import { Known } from '../../unknown';

const NO_METRICS = 'not on the metrics page of the member, or not yet measured';

export function MemberDetail({ id, member, silent }: { id: string; member: Member; silent: string }) {
  return (
    <div class="detail" id={id} role="row">
      <div role="cell">
        {member.failure != null && (
          <p class="detail-failure">
            {member.failure.kind.replaceAll('_', ' ')}: {member.failure.message}
          </p>
        )}
        <dl class="facts">
          <Fact name="id">
            <Known value={member.id} reason="it never answered" show={(text) => <Copied text={text} what={`id of ${member.name}`} />} />
          </Fact>
          <Fact name="endpoint">
            <Known value={member.endpoint || null} reason="it advertises none" show={(text) => <Copied text={text} what={`endpoint of ${member.name}`} />} />
          </Fact>
          {member.client_urls.filter((url) => url !== member.endpoint).map((url) => (
            <Fact name="advertises" key={url}>
              <Copied text={url} what={`client URL of ${member.name}`} />
            </Fact>
          ))}
          <ReadFacts member={member} />
          <RaftFacts member={member} silent={silent} />
          <CounterFacts member={member} />
        </dl>
      </div>
    </div>
  );
}

function ReadFacts({ member }: { member: Member }) {
  const read = member.read_latency;
  const shown = read && `${latency(read.p50_seconds)} · ${latency(read.p95_seconds)} · ${latency(read.p99_seconds)} · ${latency(read.max_seconds)}`;
  return (
    <Fact name="read p50 · p95 · p99 · max">
      <Known value={shown} reason="no read succeeded in the last 5 minutes" show={(text) => text} />
      {read != null && <span class="muted"> of {whole(read.count)}</span>}
    </Fact>
  );
}

function RaftFacts({ member, silent }: { member: Member; silent: string }) {
  const { raft, database } = member;
  return (
    <>
      <Fact name="term">
        <Known value={raft?.term} reason={silent} show={whole} />
      </Fact>
      <Fact name="committed · applied">
        <Known value={raft?.committed_index} reason={silent} show={whole} />
        {' · '}
        <Known value={raft?.applied_index} reason={silent} show={whole} />
      </Fact>
      <Fact name="revision">
        <Known value={raft?.revision} reason={silent} show={whole} />
      </Fact>
      <Fact name="db in use">
        <Known value={database?.in_use_bytes} reason={silent} show={size} />
      </Fact>
    </>
  );
}

function CounterFacts({ member }: { member: Member }) {
  const counters = member.counters;
  return (
    <>
      <Fact name="requests">
        <Known value={counters?.request_rate_per_second} reason={NO_METRICS} show={rate} />
      </Fact>
      <Fact name="WAL fsync p95">
        <Known value={counters?.wal_fsync_p95_seconds} reason={NO_METRICS} show={latency} />
      </Fact>
      <Fact name="backend commit p95">
        <Known value={counters?.backend_commit_p95_seconds} reason={NO_METRICS} show={latency} />
      </Fact>
      <Fact name="proposals pending">
        <Known value={counters?.proposals_pending} reason={NO_METRICS} show={whole} />
      </Fact>
      <Fact name="memory">
        <Known value={counters?.resident_memory_bytes} reason={NO_METRICS} show={size} />
      </Fact>
      <Fact name="watchers">
        <Known value={counters?.watchers} reason={NO_METRICS} show={whole} />
      </Fact>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Copied({ text, what }: { text: string; what: string }) {
  return (
    <>
      <code>{text}</code>
      <Copy text={text} what={what} />
    </>
  );
}
