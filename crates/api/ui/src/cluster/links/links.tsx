// Who hears whom: a matrix of the links between members, each direction apart.

import { latency, size } from '../../format';
import type { Link, Snapshot } from '../../protocol';
import { Shape } from '../../shape';
import { listed } from '../coverage/gaps';
import type { Matrix, Row } from './matrix';
import { bySender, linkState, matrixOf, STATE_WORD, summary, troubled } from './matrix';

/** Up to so many ends the cells have numbers. */
const NUMBERS_MAX = 5;
/** Beyond so many ends there is no table: what is not well is listed. */
const TABLE_MAX = 15;
/** Lines of the list; the API has the rest. */
const LIST_MAX = 12;

export function Links({ snapshot }: { snapshot: Snapshot }) {
  const links = snapshot.links ?? [];
  // One member has no peers: there is nothing to show, and nothing missing.
  if (links.length === 0 && snapshot.status.member_count === 1) return null;
  const matrix = matrixOf(snapshot.members, links);
  return (
    <section class="card panel links" id="links" tabIndex={-1} aria-labelledby="links-title" data-testid="links">
      <h2 id="links-title">
        Peer links {links.length > 0 && <span class="muted">from row to column · {summary(links)}</span>}
      </h2>
      {links.length === 0 ? <p class="empty">No link is known: the member list is not known yet.</p> : <Some matrix={matrix} links={links} />}
    </section>
  );
}

function Some({ matrix, links }: { matrix: Matrix; links: Link[] }) {
  if (matrix.ends.length > TABLE_MAX) return <Troubled links={troubled(links)} />;
  const numbers = matrix.ends.length <= NUMBERS_MAX;
  return (
    <>
      <div class="matrix-scroll" tabIndex={0} role="group" aria-label="Peer links">
        <table class={numbers ? 'matrix' : 'matrix matrix-dense'}>
          <thead>
            <tr>
              <td />
              {matrix.ends.map((end) => (
                <th scope="col" key={end.id}>
                  <bdi title={end.name}>{end.name}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.rows.map((row) => (
              <MatrixRow row={row} numbers={numbers} key={row.from.id} />
            ))}
          </tbody>
        </table>
      </div>
      <Troubled links={troubled(links).filter((link) => link.state !== 'unknown')} />
    </>
  );
}

function MatrixRow({ row, numbers }: { row: Row; numbers: boolean }) {
  return (
    <tr>
      <th scope="row">
        <bdi title={row.from.name}>{row.from.name}</bdi>
      </th>
      {row.cells.map((link, index) => (link == null ? <td class="cell-none" key={index} /> : <Cell link={link} numbers={numbers} key={index} />))}
    </tr>
  );
}

function Cell({ link, numbers }: { link: Link; numbers: boolean }) {
  const state = linkState(link);
  return (
    <td class={`cell cell-${state}`} title={describe(link)} data-testid={`link-${link.from_name}-${link.to_name}`} data-state={link.state}>
      <span class="cell-line">
        <Shape state={state} label={`${STATE_WORD[link.state]}.`} />
        {numbers && <Numbers link={link} />}
      </span>
      {!numbers && <span class="sr">{describe(link)}</span>}
    </td>
  );
}

function Numbers({ link }: { link: Link }) {
  const bytes = link.sent_bytes_per_second;
  const trip = link.round_trip;
  return (
    <span class="cell-numbers">
      <span>{bytes == null ? '— B/s' : `${size(Math.round(bytes))}/s`}</span>
      <span class="muted">{trip == null ? '— ms' : `${trip.saturated ? '≥ ' : ''}${latency(trip.seconds)}${trip.stale ? ' (old)' : ''}`}</span>
    </span>
  );
}

/** Everything that is known of a link, for a title and for screen readers. */
function describe(link: Link): string {
  const rate = (bytes: number | null) => (bytes == null ? 'not known' : `${size(Math.round(bytes))}/s`);
  const trip = link.round_trip == null ? 'not measured yet' : latency(link.round_trip.seconds);
  return [
    `${link.from_name} → ${link.to_name}: ${STATE_WORD[link.state]}`,
    link.reason,
    `sent ${rate(link.sent_bytes_per_second)}, received ${rate(link.received_bytes_per_second)}`,
    `round trip ${trip}`,
  ].join('\n');
}

function Troubled({ links }: { links: Link[] }) {
  if (links.length === 0) return null;
  const groups = bySender(links);
  return (
    <ul class="troubled" data-testid="troubled-links">
      {groups.slice(0, LIST_MAX).map((group) => (
        <li key={`${group.from}/${group.state}`}>
          <Shape state={linkState(group)} label={`${STATE_WORD[group.state]}:`} />
          <span title={group.to.join(', ')}>
            <bdi>{group.from}</bdi> → <bdi>{listed(group.to)}</bdi> <span class="muted">{group.reason}</span>
          </span>
        </li>
      ))}
      {groups.length > LIST_MAX && <li class="muted">{groups.length - LIST_MAX} more</li>}
    </ul>
  );
}
