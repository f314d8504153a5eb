// What stands where a document is not there: it is loading, or there is a reason.

import type { Document } from '../use-document';

const FORGOTTEN: Record<string, string> = {
  incident_unknown: 'This incident is not known (any more)',
  benchmark_unknown: 'This benchmark is not kept (any more)',
};

/** `what` names what is missing, in the plural or the singular of a sentence. */
export function Missing<T>({ document, what }: { document: Document<T>; what: string }) {
  if (document.problem == null) {
    return (
      <p class="missing muted" role="status" data-testid="missing-loading">
        Loading {what} …
      </p>
    );
  }
  const { message, code } = document.problem;
  return (
    <div class="missing" role="status" data-testid="missing-failed">
      <p>
        <strong>{FORGOTTEN[code ?? ''] ?? `No ${what}: ${message}`}</strong>
      </p>
      <p class="muted">{hintOf(code)}</p>
    </div>
  );
}

function hintOf(code: string | null): string {
  if (code === 'route_unknown') return 'This daemon is of a release that does not keep them.';
  if (code === 'incident_unknown') return 'Incidents are forgotten with the last of their alert events; the recording may still be among those of the black box.';
  if (code === 'benchmark_unknown') return 'The last 100 are kept.';
  if (code === 'no_benchmarks') return 'This daemon runs none.';
  return 'Nothing is known here until the daemon answers. This page tries again by itself.';
}
