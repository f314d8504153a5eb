// Findings: what is true first, then what was checked and is in order.

import type { Finding } from '../../protocol';
import { findingKey } from '../../protocol';
import { Ago } from '../../ago';
import { namesCommand } from '../../commands';
import { count, fullTime } from '../../format';
import { Prose } from '../../prose';
import { Copy } from '../../copy';
import { Shape } from '../../shape';
import { severityRank } from '../../state';

export function Findings({ findings, filter }: { findings: Finding[]; filter: string }) {
  const shown = findings.filter((finding) => matches(finding, filter));
  const wrong = shown.filter((finding) => finding.status === 'true').sort(worstFirst);
  const unknown = shown.filter((finding) => finding.status === 'unknown');
  const fine = shown.filter((finding) => finding.status === 'false');
  return (
    <section class="card list" id="findings" tabIndex={-1} aria-labelledby="findings-title" data-testid="findings">
      <h2 id="findings-title">Findings</h2>
      {wrong.length === 0 && <p class="empty">{emptyReason(filter, unknown.length)}</p>}
      <ul>
        {wrong.map((finding) => (
          <WrongFinding finding={finding} key={findingKey(finding)} />
        ))}
      </ul>
      {fine.length > 0 && <InOrder findings={fine} />}
    </section>
  );
}

function emptyReason(filter: string, unknown: number): string {
  if (filter !== '') return `No true finding matches “${filter}”.`;
  return unknown === 0 ? 'No condition is true.' : 'No condition is known to be true.';
}

function WrongFinding({ finding }: { finding: Finding }) {
  return (
    <li class={finding.caused_by == null ? 'item' : 'item item-explained'} id={findingKey(finding)} data-testid={`finding-${finding.rule}`}>
      <Shape state={finding.severity} label={`${finding.severity}:`} />
      <div>
        <p class="item-title">{finding.cause || finding.rule}</p>
        <p class="muted item-meta">
          <a href={`#${findingKey(finding)}`}>{finding.rule}</a>
          <span>{finding.subject.name}</span>
          <span>
            since <Ago at={finding.since} />
          </span>
          {finding.caused_by != null && <span>explained by {finding.caused_by.rule}</span>}
        </p>
        {finding.evidence.length > 0 && <EvidenceList finding={finding} />}
        {finding.action !== '' && (
          <p class="item-action">
            <Prose text={finding.action} />
            {!namesCommand(finding.action) && <Copy text={finding.action} what="action" />}
          </p>
        )}
      </div>
    </li>
  );
}

function EvidenceList({ finding }: { finding: Finding }) {
  return (
    <p class="evidence">
      {finding.evidence.map((item, index) => (
        <span key={index} title={fullTime(Date.parse(item.at))}>
          <span class="muted">{item.source}</span> {item.value}
        </span>
      ))}
    </p>
  );
}

function InOrder({ findings }: { findings: Finding[] }) {
  return (
    <details class="in-order">
      <summary>{count(findings.length, 'check')} in order</summary>
      <ul>
        {findings.map((finding) => (
          <li class="item item-fine" key={findingKey(finding)}>
            <Shape state="healthy" label="in order:" />
            <p>
              {finding.rule} <span class="muted">{finding.subject.name} · since <Ago at={finding.since} /></span>
            </p>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Worst first; a finding that another one explains stands after those that nothing explains. */
function worstFirst(a: Finding, b: Finding): number {
  const explained = Number(a.caused_by != null) - Number(b.caused_by != null);
  return explained || severityRank(b.severity) - severityRank(a.severity);
}

function matches(finding: Finding, filter: string): boolean {
  const text = [finding.rule, finding.subject.name, finding.cause, finding.alert_type, finding.severity].join(' ');
  return text.toLowerCase().includes(filter.trim().toLowerCase());
}
