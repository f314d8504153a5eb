// One incident: its sentence, what happened in which order, the charts of its time, and the recording.

import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { clusterAddress, href, INCIDENTS } from '../../address';
import { Now } from '../../clock';
import { Copy } from '../../copy';
import { fullTime } from '../../format';
import { Shape } from '../../shape';
import { useDocument } from '../use-document';
import { IncidentCharts } from './charts';
import { Events } from './events';
import type { IncidentDocument } from './incident';
import { lasted, rangeOf } from './incident';
import { Missing } from './missing';

const EVERY_MS = 15_000;

export function IncidentView({ id }: { id: string }) {
  const document = useDocument<IncidentDocument>(`api/v1/incidents/${encodeURIComponent(id)}`, {}, { everyMs: EVERY_MS });
  const incident = document.value;
  if (incident == null) {
    return (
      <section class="card incidents" data-testid="incident-view" data-state={document.state}>
        <h1>Incident</h1>
        <Missing document={document} what="incident" />
        <p>
          <a href={href(INCIDENTS)}>All incidents</a>
        </p>
      </section>
    );
  }
  return <Known incident={incident} />;
}

function Known({ incident }: { incident: IncidentDocument }) {
  return (
    <div class="incident-page" data-testid="incident-view" data-state="known">
      <Head incident={incident} />
      <Events events={incident.events} />
      <IncidentCharts incident={incident} />
    </div>
  );
}

function Head({ incident }: { incident: IncidentDocument }) {
  const state = incident.worst ?? 'unknown';
  return (
    <section class={`card verdict verdict-${state}`}>
      <Shape state={state} label={`${state}:`} />
      <div class="verdict-text">
        <h1 data-testid="incident-sentence">{incident.sentence}</h1>
        <Times incident={incident} />
        <p class="verdict-links">
          <Actions incident={incident} />
        </p>
      </div>
    </section>
  );
}

function Times({ incident }: { incident: IncidentDocument }) {
  const now = useContext(Now) / 1000;
  const { began_at: began, ended_at: ended, cluster } = incident;
  return (
    <dl class="incident-times">
      <Fact name="cluster">
        <a href={href(clusterAddress(cluster))}><bdi>{cluster}</bdi></a>
      </Fact>
      <Fact name="began">{fullTime(Date.parse(began))}</Fact>
      <Fact name="ended">{ended == null ? <strong>it goes on</strong> : fullTime(Date.parse(ended))}</Fact>
      <Fact name={ended == null ? 'for' : 'lasted'}>{lasted(incident, now)}</Fact>
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

function Actions({ incident }: { incident: IncidentDocument }) {
  const now = useContext(Now) / 1000;
  const { recording, cluster, id } = incident;
  const link = new URL(href({ view: 'incident', id }), location.href).href;
  return (
    <>
      {recording == null ? (
        <span class="muted">no recording of the black box</span>
      ) : (
        <>
          <a class="button" href={`api/v1/blackbox/${encodeURIComponent(recording)}`} download={recording} data-testid="recording">
            Download the recording
          </a>
          <Copy text={`etcd-monitor replay ${recording}`} what="command that replays it" label="copy replay command" />
        </>
      )}
      <a class="button" href={href(clusterAddress(cluster, { range: rangeOf(incident, now) }))}>
        Show on the cluster's page
      </a>
      <Copy text={link} what="link to this incident" label="copy link" />
    </>
  );
}
