// Incidents of one cluster, or of all.

/** `cluster` null: of all clusters. */
export function IncidentList({ cluster }: { cluster: string | null }) {
  return (
    <section class="card nothing">
      <h1>Incidents{cluster == null ? '' : ` of ${cluster}`}</h1>
    </section>
  );
}
