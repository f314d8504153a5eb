// One benchmark: how far it is, why it ended as it did, and what was measured.

import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { clusterAddress, href } from '../address';
import { announce } from '../announce';
import { Missing } from '../cluster/incidents/missing';
import { Now } from '../clock';
import { fullTime, latency, rate, span, whole } from '../format';
import { inWords, change } from '../rest';
import { PermittedButton } from '../session/permitted';
import { Shape } from '../shape';
import type { Job, Progress } from './documents';
import { askedInWords, isOver, longest, PATH, sentenceOf, shapeOf, shareOf } from './documents';
import { useBenchmark } from './follow';
import { ReportView } from './report';

export function BenchmarkView({ id }: { id: string }) {
  const document = useBenchmark(id);
  const job = document.value;
  if (job == null) {
    return (
      <section class="card incidents" data-testid="benchmark-view" data-state={document.state}>
        <h1>Benchmark</h1>
        <Missing document={document} what="benchmark" />
        <p>
          <a href={href({ view: 'benchmarks', cluster: null })}>All benchmarks</a>
        </p>
      </section>
    );
  }
  return (
    <div class="incident-page" data-testid="benchmark-view" data-state={job.state}>
      <Head job={job} />
      {document.problem != null && <p class="muted">Not read again: {document.problem.message}. This is what was known before.</p>}
      {job.report == null ? <NoReport job={job} /> : <ReportView report={job.report} />}
    </div>
  );
}

function Head({ job }: { job: Job }) {
  const state = shapeOf(job, job.report?.valid ?? null);
  const found = { progress: job.progress, per_second: job.report?.per_second ?? null, p99_seconds: longest(job.report, 'p99_seconds') };
  const sentence = sentenceOf(job, found);
  const over = isOver(job.state);
  useEffect(() => {
    if (over) announce(`The benchmark is over. ${sentence}`);
  }, [over]);
  return (
    <section class={`card verdict verdict-${state}`}>
      <Shape state={state} label={`${job.state}:`} />
      <div class="verdict-text">
        <h1 data-testid="benchmark-sentence">{sentence}</h1>
        {job.progress != null && <Going progress={job.progress} />}
        {job.state === 'finished' && job.reason != null && <p>{job.reason.detail}</p>}
        {job.report?.valid === false && <p data-testid="doubtful">The figures are doubtful: why stands below.</p>}
        {job.keys_left != null && (
          <p data-testid="keys-left">
            <strong>Keys may be left below <code>{job.prefix}</code></strong>: {job.keys_left}. The daemon goes on trying to delete them.
          </p>
        )}
        <Facts job={job} />
        <div class="verdict-links">
          {!over && <Cancel job={job} />}
          <a class="button" href={href({ view: 'benchmarks', cluster: job.cluster })}>Benchmarks of this cluster</a>
        </div>
      </div>
    </section>
  );
}

function Going({ progress }: { progress: Progress }) {
  const { planned, succeeded, failed, latest } = progress;
  const share = shareOf(progress);
  return (
    <div class="going" data-testid="benchmark-progress">
      <progress aria-label="Requests of this phase" max={1} value={share ?? undefined} />
      {share != null && (
        <p class="muted">
          {whole(succeeded + failed)} of {whole(planned)} requests{failed > 0 && <strong>, {whole(failed)} failed</strong>}
          {latest != null && <>; the last second {rate(latest.succeeded)}{latest.p99_seconds != null && <>, 99 % within {latency(latest.p99_seconds)}</>}</>}
        </p>
      )}
    </div>
  );
}

function Facts({ job }: { job: Job }) {
  const now = useContext(Now);
  const { cluster, asked, started_at: started, ended_at: ended, requested_by: by } = job;
  const seconds = started == null ? null : ((ended == null ? now : Date.parse(ended)) - Date.parse(started)) / 1000;
  return (
    <dl class="incident-times">
      <Fact name="cluster">
        <a href={href(clusterAddress(cluster))}><bdi>{cluster}</bdi></a>
      </Fact>
      <Fact name="asked">{askedInWords(asked)}</Fact>
      <Fact name="began">{started == null ? 'not yet' : fullTime(Date.parse(started))}</Fact>
      {seconds != null && <Fact name={ended == null ? 'for' : 'took'}>{ended == null ? span(seconds) : latency(seconds)}</Fact>}
      {by != null && <Fact name="by"><bdi>{by}</bdi></Fact>}
    </dl>
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

function Cancel({ job }: { job: Job }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const cancel = async () => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    await change('DELETE', `${PATH}/${encodeURIComponent(job.id)}`).catch((error: unknown) => setProblem(inWords(error)));
    setBusy(false);
  };
  return (
    <>
      <PermittedButton class="button button-danger" onClick={() => void cancel()} testId="cancel-benchmark">
        {busy ? 'Cancelling …' : 'Cancel'}
      </PermittedButton>
      <p class="problem" role="alert">{problem}</p>
    </>
  );
}

function NoReport({ job }: { job: Job }) {
  return (
    <section class="card list" data-testid="no-report">
      <h2>What was measured</h2>
      <p class="muted">{isOver(job.state) ? 'Nothing: it ended before it measured.' : 'Nothing yet: the report comes when it is over. Leaving this page does not end it.'}</p>
    </section>
  );
}
