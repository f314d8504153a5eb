// Incidents of one cluster, or of all: newest first, what goes on before what is over.

import { useContext, useEffect } from 'preact/hooks';
import type { IncidentsAddress } from '../../address';
import { clusterAddress, href, INCIDENTS } from '../../address';
import { Ago } from '../../ago';
import { Now } from '../../clock';
import { fullTime } from '../../format';
import { go } from '../../navigation';
import { Shape } from '../../shape';
import type { Document } from '../use-document';
import { useDocument } from '../use-document';
import type { Incident, IncidentPage } from './incident';
import { incidentOf, lasted, sorted } from './incident';
import { Missing } from './missing';

const EVERY_MS = 15_000;
/** As many as the daemon makes of the events that it keeps. */
const LIMIT = '1000';

/** Of the cluster of the address, or of all. An alert of the address leads on to its incident. */
export function IncidentList({ address }: { address: IncidentsAddress }) {
  const { cluster, alert } = address;
  const document = useDocument<IncidentPage>('api/v1/incidents', { cluster, limit: LIMIT }, { everyMs: EVERY_MS });
  const wanted = alert == null ? null : incidentOf(document.value?.incidents ?? [], alert)?.id;
  useEffect(() => {
    if (wanted != null) go({ view: 'incident', id: wanted }, { replace: true });
  }, [wanted]);
  return (
    <section class="card incidents" aria-labelledby="incidents-title" data-testid="incidents" data-state={document.state}>
      <h1 id="incidents-title">
        Incidents {cluster != null && <>of <a href={href(clusterAddress(cluster))}><bdi>{cluster}</bdi></a></>}
      </h1>
      {cluster != null && <a href={href(INCIDENTS)}>Incidents of all clusters</a>}
      {alert != null && document.value != null && <p class="muted" data-testid="no-incident-of-alert">No incident that is known has this alert.</p>}
      <Body document={document} />
    </section>
  );
}

function Body({ document }: { document: Document<IncidentPage> }) {
  const incidents = document.value?.incidents;
  if (incidents == null) return <Missing document={document} what="incidents" />;
  return (
    <>
      {document.problem != null && <p class="muted">Not read again: {document.problem.message}. This is what was known before.</p>}
      {incidents.length === 0 ? (
        <Nothing />
      ) : (
        <ol class="incident-list">
          {sorted(incidents).map((incident) => (
            <Line incident={incident} key={incident.id} />
          ))}
        </ol>
      )}
    </>
  );
}

function Nothing() {
  return (
    <div class="incidents-none" data-testid="no-incidents">
      <Shape state="healthy" />
      <p>
        No incident is known.
        <br />
        <span class="muted">One begins with the first alert that fires and ends when all that belong together are over. Those that alerts no longer tell of are forgotten.</span>
      </p>
    </div>
  );
}

function Line({ incident }: { incident: Incident }) {
  const now = useContext(Now) / 1000;
  const goesOn = incident.ended_at == null;
  return (
    <li class="incident-line" data-testid="incident" data-over={!goesOn}>
      <Shape state={incident.worst ?? 'unknown'} label={`${incident.worst ?? 'severity not known'}:`} />
      <div>
        <p class="item-title">
          <a href={href({ view: 'incident', id: incident.id })}>{incident.sentence}</a>
        </p>
        <p class="muted item-meta">
          <a href={href(clusterAddress(incident.cluster))}><bdi>{incident.cluster}</bdi></a>
          <time dateTime={incident.began_at}>{fullTime(Date.parse(incident.began_at))}</time>
          <span>{goesOn ? <strong>goes on for {lasted(incident, now)}</strong> : <>lasted {lasted(incident, now)}, ended <Ago at={incident.ended_at ?? ''} suffix=" ago" /></>}</span>
          <span>{incident.alerts.length === 1 ? '1 alert' : `${incident.alerts.length} alerts`}</span>
          {incident.recording != null && <span>recorded</span>}
        </p>
      </div>
    </li>
  );
}
