// The certificate that each port of each member shows, those that end first at the top.

import { fullTime } from '../../format';
import { Shape } from '../../shape';
import { useDocument } from '../use-document';
import type { Certificate, CertificatesDocument, UnseenPort } from './documents';
import { certificateState, daysInWords, firstToEnd, namesOf, withoutTls } from './documents';
import { NotRead } from './not-read';

const EVERY_MS = 60_000;

export function Certificates({ cluster, wanted }: { cluster: string; wanted: boolean }) {
  const document = useDocument<CertificatesDocument>('api/v1/cluster/certificates', { cluster }, { wanted, everyMs: EVERY_MS });
  return (
    <section class="card list" id="certificates" tabIndex={-1} aria-labelledby="certificates-title" data-testid="certificates" data-state={document.state}>
      <h2 id="certificates-title">Certificates</h2>
      <NotRead document={document} what="certificates" />
      {document.value != null && <Known report={document.value} />}
    </section>
  );
}

function Known({ report }: { report: CertificatesDocument }) {
  const { certificates, unknown } = report;
  const plain = withoutTls(report);
  if (certificates.length === 0 && unknown.length === 0 && plain == null) return <p class="empty">No port was looked at yet.</p>;
  return (
    <>
      {plain != null && <p class="muted" data-testid="without-tls"><bdi>{plain}</bdi></p>}
      <ul>
        {firstToEnd(certificates).map((certificate) => (
          <Line certificate={certificate} key={`${certificate.member}/${certificate.url}`} />
        ))}
        {unknown.map((port) => (
          <Unseen unseen={port} key={`${port.member}/${port.url}`} />
        ))}
      </ul>
    </>
  );
}

function Line({ certificate }: { certificate: Certificate }) {
  const { member, port, url, days_left: days, problem, refused, covers_host: covers } = certificate;
  const state = certificateState(certificate);
  return (
    <li class="item" data-testid="certificate" data-state={state}>
      <Shape state={state} label={`${state}:`} />
      <div>
        <p class="item-title">
          <bdi>{member}</bdi> <span class="muted">{port} port,</span> {daysInWords(days)}
        </p>
        {problem != null && <p><bdi>{problem}</bdi></p>}
        {!covers && <p>Its names do not cover the host of its address.</p>}
        {refused != null && <p class="muted">The handshake ended early: <bdi>{refused}</bdi></p>}
        <p class="muted item-meta">
          <bdi>{url}</bdi>
          <span>until <time dateTime={certificate.not_after}>{fullTime(Date.parse(certificate.not_after))}</time></span>
          <span>for <bdi>{namesOf(certificate)}</bdi></span>
          <span>signed by <bdi>{certificate.issuer}</bdi></span>
        </p>
      </div>
    </li>
  );
}

function Unseen({ unseen: { member, port, url, reason } }: { unseen: UnseenPort }) {
  return (
    <li class="item item-unknown">
      <Shape state="unknown" label="not known:" />
      <p>
        <bdi>{member}</bdi> <span class="muted">{port != null && <>{port} port </>}{url != null && <bdi>{url}</bdi>}: <bdi>{reason}</bdi></span>
      </p>
    </li>
  );
}
