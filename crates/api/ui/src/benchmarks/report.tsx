// What a benchmark measured, and what makes it doubtful.

import type { ComponentChildren } from 'preact';
import { Bar } from '../cluster/members/bar';
import { latency, rate, whole } from '../format';
import { Shape } from '../shape';
import { Known } from '../unknown';
import type { Latencies, Operation, Report } from './documents';
import { boundsInWords, limitInWords, verdictOf } from './documents';

const COLUMNS: [keyof Latencies, string, string][] = [
  ['mean_seconds', 'mean', 'nothing was answered'],
  ['p50_seconds', 'p50', 'nothing was answered'],
  ['p95_seconds', 'p95', 'nothing was answered'],
  ['p99_seconds', 'p99', 'nothing was answered'],
  ['p99_9_seconds', 'p99.9', 'fewer than 1,000 answers'],
  ['max_seconds', 'max', 'nothing was answered'],
];

export function ReportView({ report }: { report: Report }) {
  return (
    <div class="incident-page" data-testid="benchmark-report">
      <Throughput report={report} />
      <Quantiles operations={report.operations} />
      {report.operations.map((operation) => (
        <Histogram operation={operation} key={operation.kind} />
      ))}
      <Trust report={report} />
    </div>
  );
}

function Throughput({ report }: { report: Report }) {
  const { succeeded, failed, per_second: perSecond, window_seconds: seconds } = report;
  return (
    <section class="card benchmark-panel" aria-labelledby="throughput-title">
      <h2 id="throughput-title">Throughput</h2>
      <p class="figure">
        <span class="figure-value" data-testid="throughput">
          <Known value={perSecond} reason="nothing was answered" show={rate} />
        </span>
        <span class="muted">
          {whole(succeeded)} of {whole(succeeded + failed)} requests answered in {latency(seconds)}
        </span>
      </p>
    </section>
  );
}

function Quantiles({ operations }: { operations: Operation[] }) {
  return (
    <section class="card benchmark-panel" aria-labelledby="quantiles-title">
      <h2 id="quantiles-title">Latency from when a request was due to its answer</h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of latencies">
        <table class="figures" data-testid="quantiles">
          <thead>
            <tr>
              <th scope="col">request</th>
              <th scope="col" class="right">answered</th>
              {COLUMNS.map(([, name]) => (
                <th scope="col" class="right" key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {operations.map(({ kind, succeeded, response }) => (
              <tr key={kind}>
                <th scope="row">{kind}</th>
                <td class="right">{whole(succeeded)}</td>
                {COLUMNS.map(([figure, name, reason]) => (
                  <td class="right" key={name}>
                    <Known value={response[figure]} reason={reason} show={latency} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Histogram({ operation: { kind, histogram } }: { operation: Operation }) {
  const all = histogram.reduce((sum, bucket) => sum + bucket.count, 0);
  return (
    <section class="card benchmark-panel" aria-labelledby={`histogram-${kind}`} data-testid="histogram">
      <h2 id={`histogram-${kind}`}>Answers of {kind} by their latency</h2>
      <ul class="buckets">
        {histogram.map(({ count }, place) => (
          <li key={place}>
            <span>{boundsInWords(histogram, place)}</span>
            {count === 0 ? <span class="bar" /> : <Bar share={count / all} label={`${whole(count)} of ${whole(all)}`} />}
            <span class="right">{whole(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Errors, doubts, and whether what was acknowledged is there. */
function Trust({ report: { errors, doubts, valid, accounting, bottleneck } }: { report: Report }) {
  const [state, verdict] = verdictOf(accounting.verdict);
  return (
    <section class="card list" aria-labelledby="trust-title" data-testid="benchmark-trust">
      <h2 id="trust-title">Whether to believe it</h2>
      <ul>
        <Item state={state} testId="accounting">
          {verdict} <span class="muted">({whole(accounting.acknowledged)} acknowledged, {whole(accounting.unknown)} unknown)</span>
        </Item>
        {bottleneck != null && (
          <Item state={bottleneck.limit === 'unknown' ? 'unknown' : 'info'} testId="bottleneck">
            {limitInWords(bottleneck.limit)}
            {bottleneck.action !== '' && <>; {bottleneck.action}</>}
            {bottleneck.evidence.map((line) => <span class="muted bottleneck-evidence" key={line}>{line}</span>)}
          </Item>
        )}
        {doubts.map((doubt) => (
          <Item state="unknown" testId="doubt" key={doubt}>{doubt}</Item>
        ))}
        {doubts.length === 0 && valid && <Item state="healthy">Nothing makes the figures doubtful</Item>}
        {Object.entries(errors).map(([kind, { count, example }]) => (
          <Item state="warning" testId="error" key={kind}>
            {whole(count)} × {kind} <span class="muted">{example}</span>
          </Item>
        ))}
      </ul>
    </section>
  );
}

function Item({ state, testId, children }: { state: Parameters<typeof Shape>[0]['state']; testId?: string; children: ComponentChildren }) {
  return (
    <li class="item" data-testid={testId}>
      <Shape state={state} label={`${state}:`} />
      <p>{children}</p>
    </li>
  );
}
