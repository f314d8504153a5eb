// The verdict: one sentence in words, the same that the alert sends; then since when, why, and what to do.

import { clusterAddress, href } from '../../address';
import type { Alert, Alerts, Finding, Snapshot } from '../../protocol';
import { findingKey, subjectKey } from '../../protocol';
import { Ago } from '../../ago';
import { namesCommand } from '../../commands';
import { Copy } from '../../copy';
import { count, latency } from '../../format';
import { Prose } from '../../prose';
import { Shape } from '../../shape';
import type { State } from '../../state';
import { clusterState, rootFindings } from '../../state';
import { AlertActions } from './alert-actions';

const WORD: Record<State, string> = {
  critical: 'Critical',
  warning: 'Warning',
  info: 'For information',
  healthy: 'Healthy',
  unknown: 'Not known',
};
/** Evidence shown in the verdict; the rest stands with the finding. */
const EVIDENCE_SHOWN = 4;

interface Props {
  snapshot: Snapshot;
  alerts: Alerts | null;
  stale: boolean;
  /** An alert was acknowledged or silenced. */
  onChanged: () => void;
}

export function Verdict({ snapshot, alerts, stale, onChanged }: Props) {
  const state = clusterState(snapshot.status);
  const roots = rootFindings(snapshot.findings);
  // What is only worth knowing does not take the place of the verdict.
  const worst = roots.find((finding) => finding.severity !== 'info');
  return (
    <section class={`card verdict verdict-${state}`} id="verdict" tabIndex={-1} data-testid="verdict" data-state={state}>
      <Shape state={state} label={`${WORD[state]}:`} />
      <div class="verdict-text">
        <h1>
          {stale && <span class="last-known">Last known: </span>}
          <span data-testid="sentence">{snapshot.status.sentence || worst?.cause || WORD[state]}</span>
        </h1>
        {worst == null ? (
          <Quiet snapshot={snapshot} state={state} notes={roots.length} />
        ) : (
          <Cause finding={worst} others={roots.length - 1} alert={alertOf(worst, alerts)} onChanged={onChanged} />
        )}
      </div>
    </section>
  );
}

function Cause({ finding, others, alert, onChanged }: { finding: Finding; others: number; alert: Alert | null; onChanged: () => void }) {
  return (
    <>
      <p class="verdict-since">
        since <Ago at={finding.since} />
        <span class="muted"> · {finding.rule} · {finding.confidence} confidence</span>
        {others > 0 && (
          <>
            {' · '}
            <a href="#findings">{others} more</a>
          </>
        )}
      </p>
      <dl class="verdict-facts">
        {finding.evidence.length > 0 && <Why finding={finding} />}
        {finding.action !== '' && (
          <div>
            <dt>do</dt>
            <dd>
              <Prose text={finding.action} />{' '}
              {!namesCommand(finding.action) && <Copy text={finding.action} what="action" label="copy" />}
            </dd>
          </div>
        )}
      </dl>
      <div class="verdict-links">
        {alert != null && <AlertActions alert={alert} onChanged={onChanged} />}
        <FindingLink finding={finding} />
      </div>
    </>
  );
}

/** The alert that tells of a finding; null where none is active. */
function alertOf(finding: Finding, alerts: Alerts | null): Alert | null {
  const subject = subjectKey(finding.subject);
  const active = (alerts?.alerts ?? []).filter((alert) => alert.state !== 'resolved');
  return active.find((alert) => alert.rule === finding.rule && subjectKey(alert.subject) === subject) ?? null;
}

/** Copies an address of this finding that can be pasted into a chat. */
function FindingLink({ finding }: { finding: Finding }) {
  const address = href(clusterAddress(finding.cluster, { finding: findingKey(finding) }));
  return <Copy text={new URL(address, location.href).href} what="link to this finding" label="copy link" />;
}

function Why({ finding }: { finding: Finding }) {
  const hidden = finding.evidence.length - EVIDENCE_SHOWN;
  return (
    <div>
      <dt>why</dt>
      <dd class="evidence">
        {finding.evidence.slice(0, EVIDENCE_SHOWN).map((item, index) => (
          <span key={index}>
            <span class="muted">{item.source}</span> {item.value}
          </span>
        ))}
        {hidden > 0 && <a href={href(clusterAddress(finding.cluster, { finding: findingKey(finding) }))}>{hidden} more</a>}
      </dd>
    </div>
  );
}

/** What was checked when nothing is wrong, or when it is not known whether something is. */
function Quiet({ snapshot, state, notes }: { snapshot: Snapshot; state: State; notes: number }) {
  const rules = new Set(snapshot.findings.map((finding) => finding.rule)).size;
  const unknown = snapshot.findings.filter((finding) => finding.status === 'unknown');
  const missing = new Set(unknown.map((finding) => finding.rule)).size;
  const since = quietSince(snapshot.findings);
  const checked = `${count(rules, 'rule')} on ${count(snapshot.members.length, 'member')}, ${missing} not evaluable`;
  return (
    <p class="verdict-since">
      {state === 'healthy' && since != null && (
        <>
          nothing wrong for <Ago at={since} />
          <span class="muted"> · </span>
        </>
      )}
      <span class="muted">
        {snapshot.status.sentence.includes(checked) ? `looked at every ${latency(snapshot.status.interval_seconds)}` : checked}
      </span>
      {notes > 0 && (
        <>
          {' · '}
          <a href="#findings">{notes} for information</a>
        </>
      )}
      {state !== 'healthy' && unknown.length > 0 && <UnknownReasons findings={unknown} />}
    </p>
  );
}

function UnknownReasons({ findings }: { findings: Finding[] }) {
  const reasons = [...new Set(findings.map((finding) => finding.unknown_reason ?? 'no reason given'))];
  return <span class="muted"> · {reasons.slice(0, 3).join(' · ')}</span>;
}

/** When the last condition that was true became false; null when nothing was ever evaluated. */
function quietSince(findings: Finding[]): string | null {
  const ends = findings.filter((finding) => finding.status === 'false').map((finding) => finding.since);
  return ends.reduce<string | null>((last, end) => (last == null || Date.parse(end) > Date.parse(last) ? end : last), null);
}
