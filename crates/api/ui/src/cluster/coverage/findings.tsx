// Findings: what is true first, then what was checked and is in order.

import { useEffect, useRef } from 'preact/hooks';
import { clusterAddress, href } from '../../address';
import type { Finding } from '../../protocol';
import { findingKey } from '../../protocol';
import { Ago } from '../../ago';
import { namesCommand } from '../../commands';
import { count, fullTime } from '../../format';
import { Prose } from '../../prose';
import { Copy } from '../../copy';
import { Shape } from '../../shape';
import { severityRank } from '../../state';

interface Props {
  findings: Finding[];
  filter: string;
  /** The key of the finding that the address points at. */
  pointed: string | null;
}

export function Findings({ findings, filter, pointed }: Props) {
  const shown = findings.filter((finding) => matches(finding, filter));
  const wrong = shown.filter((finding) => finding.status === 'true').sort(worstFirst);
  const unknown = shown.filter((finding) => finding.status === 'unknown');
  const fine = shown.filter((finding) => finding.status === 'false');
  return (
    <section class="card list" id="findings" tabIndex={-1} aria-labelledby="findings-title" data-testid="findings">
      <h2 id="findings-title">Findings</h2>
      {pointed != null && !wrong.some((finding) => findingKey(finding) === pointed) && <Gone pointed={pointed} />}
      {wrong.length === 0 && <p class="empty">{emptyReason(filter, unknown.length)}</p>}
      <ul>
        {wrong.map((finding) => (
          <WrongFinding finding={finding} pointed={findingKey(finding) === pointed} key={findingKey(finding)} />
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

/** The finding that a link was made of is over, or hidden by the filter. */
function Gone({ pointed }: { pointed: string }) {
  return (
    <p class="muted" data-testid="finding-gone">
      The finding of this link, <code>{pointed}</code>, is not true now. <a href="#charts">What was</a> is in the history.
    </p>
  );
}

function WrongFinding({ finding, pointed }: { finding: Finding; pointed: boolean }) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (pointed) item.current?.scrollIntoView({ block: 'center' });
  }, [pointed]);
  const look = ['item', finding.caused_by == null ? '' : 'item-explained', pointed ? 'item-pointed' : ''].join(' ');
  const key = findingKey(finding);
  return (
    <li ref={item} class={look} id={key} data-testid={`finding-${finding.rule}`} data-pointed={pointed}>
      <Shape state={finding.severity} label={`${finding.severity}:`} />
      <div>
        <p class="item-title">{finding.cause || finding.rule}</p>
        <p class="muted item-meta">
          <a href={href(clusterAddress(finding.cluster, { finding: key }))}>{finding.rule}</a>
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
