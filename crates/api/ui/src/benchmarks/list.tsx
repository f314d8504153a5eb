// The benchmarks that are kept, of one cluster or of all: the newest first.

import { useState } from 'preact/hooks';
import type { BenchmarksAddress } from '../address';
import { BENCHMARKS, clusterAddress, href } from '../address';
import { Ago } from '../ago';
import { Missing } from '../cluster/incidents/missing';
import type { Document } from '../cluster/use-document';
import { useDocument } from '../cluster/use-document';
import { PermittedButton } from '../session/permitted';
import { Shape } from '../shape';
import type { BenchmarkPage, Line } from './documents';
import { askedInWords, isOver, PATH, sentenceOf, shapeOf } from './documents';
import { StartDialog } from './start-dialog';

const EVERY_MS = 5_000;

interface Props {
  address: BenchmarksAddress;
  /** Those that are watched; null while it is not known. */
  clusters: string[] | null;
}

export function BenchmarkList({ address: { cluster }, clusters }: Props) {
  const document = useDocument<BenchmarkPage>(PATH, { cluster }, { everyMs: EVERY_MS });
  return (
    <section class="card incidents" aria-labelledby="benchmarks-title" data-testid="benchmarks" data-state={document.state}>
      <h1 id="benchmarks-title">
        Benchmarks {cluster != null && <>of <a href={href(clusterAddress(cluster))}><bdi>{cluster}</bdi></a></>}
      </h1>
      {cluster != null && <a href={href(BENCHMARKS)}>Benchmarks of all clusters</a>}
      <Start document={document} cluster={cluster} clusters={clusters ?? []} />
      <Body document={document} />
    </section>
  );
}

function Start({ document, cluster, clusters }: { document: Document<BenchmarkPage>; cluster: string | null; clusters: string[] }) {
  const [open, setOpen] = useState(false);
  const limits = document.value?.limits;
  const choice = cluster == null ? clusters : [cluster];
  if (limits == null || choice.length === 0) return null;
  return (
    <p>
      <PermittedButton class="button button-main" onClick={() => setOpen(true)} testId="start-benchmark">
        Start a benchmark …
      </PermittedButton>
      {open && <StartDialog limits={limits} clusters={choice} onClose={() => setOpen(false)} />}
    </p>
  );
}

function Body({ document }: { document: Document<BenchmarkPage> }) {
  const benchmarks = document.value?.benchmarks;
  if (benchmarks == null) return <Missing document={document} what="benchmarks" />;
  return (
    <>
      {document.problem != null && <p class="muted">Not read again: {document.problem.message}. This is what was known before.</p>}
      {benchmarks.length === 0 ? (
        <Nothing />
      ) : (
        <ol class="incident-list">
          {benchmarks.map((line) => (
            <Item line={line} key={line.id} />
          ))}
        </ol>
      )}
    </>
  );
}

function Nothing() {
  return (
    <div class="incidents-none" data-testid="no-benchmarks">
      <Shape state="unknown" />
      <p>
        Nobody has measured yet.
        <br />
        <span class="muted">How fast a cluster can go is known once somebody asks it. The last 100 results are kept, over a restart of the daemon too.</span>
      </p>
    </div>
  );
}

function Item({ line }: { line: Line }) {
  return (
    <li class="incident-line" data-testid="benchmark" data-state={line.state}>
      <Shape state={shapeOf(line, line.valid)} label={`${line.state}:`} />
      <div>
        <p class="item-title">
          <a href={href({ view: 'benchmark', id: line.id })}>{sentenceOf(line, line)}</a>
        </p>
        <p class="muted item-meta">
          <a href={href(clusterAddress(line.cluster))}><bdi>{line.cluster}</bdi></a>
          <span>{askedInWords(line.asked)}</span>
          <Ago at={line.created_at} suffix=" ago" />
          {line.requested_by != null && <span>by <bdi>{line.requested_by}</bdi></span>}
          {!isOver(line.state) && <strong>{line.state}</strong>}
          {line.failed != null && line.failed > 0 && <strong>{line.failed} failed</strong>}
          {line.valid === false && <strong>doubtful</strong>}
        </p>
      </div>
    </li>
  );
}
