// One incident.

export function IncidentView({ id }: { id: string }) {
  return (
    <section class="card nothing">
      <h1>Incident {id}</h1>
    </section>
  );
}
