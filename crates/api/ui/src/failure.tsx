// The page could not draw something.

export function Failure({ failure }: { failure: unknown }) {
  return (
    <section class="card nothing" data-testid="page-failure">
      <h1>This page failed to draw what the daemon sent</h1>
      <p>{failure instanceof Error ? failure.message : String(failure)}</p>
      <p class="muted">Nothing is known here until a document comes that can be drawn.</p>
    </section>
  );
}
