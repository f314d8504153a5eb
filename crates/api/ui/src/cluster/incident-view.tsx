// One incident.

export function IncidentView({ id }: { id: string }) {
  return (
    <section class="card nothing" id="content" tabIndex={-1}>
      <h1>Incident {id}</h1>
    </section>
  );
}
