// What the monitor does not know: one line, and the whole list with every reason.

import type { Finding } from '../../protocol';
import { Shape } from '../../shape';
import { useDocument } from '../use-document';
import type { Gap } from './gaps';
import { gapsOf, listed } from './gaps';

/** Reasons in the line. */
const REASONS_SHOWN = 3;
const EVERY_MS = 60_000;

/** `api/v1/coverage` of one cluster. */
interface CoverageDocument {
  clusters: { evaluated: number; signals: { signal: string; subject: { kind: string; name: string }; reason: string }[] }[];
}

/** One line; nothing when everything is known. */
export function NotKnownLine({ findings }: { findings: Finding[] }) {
  const gaps = gapsOf(findings);
  if (gaps.length === 0) return null;
  const shown = gaps.slice(0, REASONS_SHOWN);
  return (
    <p class="not-known-line" data-testid="not-known-line">
      <Shape state="unknown" />
      <strong>not known:</strong>
      {shown.map((gap) => (
        <span key={gap.reason} title={`${gap.rules.join(', ')} of ${gap.subjects.join(', ')}: ${gap.reason}`}>
          {listed(gap.rules)} <span class="muted">({gap.reason})</span>
        </span>
      ))}
      <a href="#coverage">{gaps.length > shown.length ? `${gaps.length - shown.length} more` : 'details'}</a>
    </p>
  );
}

/** The list. */
export function Coverage({ cluster, findings }: { cluster: string; findings: Finding[] }) {
  const gaps = gapsOf(findings);
  const document = useDocument<CoverageDocument>('api/v1/coverage', { cluster }, { everyMs: EVERY_MS });
  const signals = document.value?.clusters[0]?.signals ?? [];
  return (
    <section class="card list" id="coverage" tabIndex={-1} aria-labelledby="coverage-title" data-testid="coverage">
      <h2 id="coverage-title">Not known</h2>
      {gaps.length === 0 && <p class="empty">Every rule can be judged.</p>}
      <ul data-testid="not-known">
        {gaps.map((gap) => (
          <GapLine gap={gap} key={gap.reason} />
        ))}
      </ul>
      {signals.length > 0 && <h3>Calls and metrics that members did not give</h3>}
      <ul>
        {signals.map(({ signal, subject, reason }) => (
          <li class="item item-unknown" key={`${signal}/${subject.name}`}>
            <Shape state="unknown" label="not given:" />
            <p>
              <code>{signal}</code> <span class="muted">of {subject.name}: {reason}</span>
            </p>
          </li>
        ))}
      </ul>
      {document.problem != null && <p class="muted">The list of calls and metrics was not loaded: {document.problem.message}.</p>}
    </section>
  );
}

function GapLine({ gap }: { gap: Gap }) {
  return (
    <li class="item item-unknown">
      <Shape state="unknown" label="not known:" />
      <p>
        {gap.rules.join(', ')} <span class="muted">of {listed(gap.subjects)}: {gap.reason}</span>
      </p>
    </li>
  );
}
