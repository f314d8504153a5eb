// What each member runs, and what is known to be wrong with that.

import { Shape } from '../../shape';
import { Known as KnownValue } from '../../unknown';
import { useDocument } from '../use-document';
import type { Defect, MemberVersions, VersionsDocument } from './documents';
import { defectsInWords, defectsState, mixedInWords } from './documents';
import { NotRead } from './not-read';

const EVERY_MS = 60_000;

export function Versions({ cluster, wanted }: { cluster: string; wanted: boolean }) {
  const document = useDocument<VersionsDocument>('api/v1/cluster/versions', { cluster }, { wanted, everyMs: EVERY_MS });
  return (
    <section class="card list" id="versions" tabIndex={-1} aria-labelledby="versions-title" data-testid="versions" data-state={document.state}>
      <h2 id="versions-title">Versions</h2>
      <NotRead document={document} what="versions" />
      {document.value != null && <Known versions={document.value} />}
    </section>
  );
}

function Known({ versions: { cluster_version: acts, mixed, members } }: { versions: VersionsDocument }) {
  return (
    <>
      <p class="muted">
        The cluster acts as <KnownValue value={acts} reason="no member has said it" show={(text) => <bdi>{text}</bdi>} />; {mixedInWords(mixed)}.
      </p>
      {members.length === 0 && <p class="empty">No member is known yet.</p>}
      <ul>
        {members.map((member) => (
          <Line member={member} key={member.member_id} />
        ))}
      </ul>
    </>
  );
}

function Line({ member }: { member: MemberVersions }) {
  const { version, storage_version: storage, known_defects: defects } = member;
  const state = defectsState(defects);
  return (
    <li class="item" data-testid="version" data-state={state}>
      <Shape state={state} label={`${state}:`} />
      <div>
        <p class="item-title">
          <bdi>{member.member}</bdi> <KnownValue value={version} reason="it has not said it" show={(text) => <bdi>{text}</bdi>} />
        </p>
        <p class="muted item-meta">
          <span>storage <KnownValue value={storage} reason="not reported; members before 3.6 do not" show={(text) => <bdi>{text}</bdi>} /></span>
          <span>{defects == null ? 'defects not known' : defectsInWords(defects)}</span>
        </p>
        {defects?.map((defect) => <DefectLine defect={defect} key={defect.id} />)}
      </div>
    </li>
  );
}

function DefectLine({ defect: { id, problem, endangers_data: endangers } }: { defect: Defect }) {
  return (
    <p>
      <strong>{endangers ? 'endangers data' : 'defect'}</strong> {problem} <span class="muted">{id}</span>
    </p>
  );
}
