// What stands where a document is not read yet, or was not read again.

import type { Document } from '../use-document';

/** `what` names what is missing, in the plural. */
export function NotRead<T>({ document, what }: { document: Document<T>; what: string }) {
  if (document.state === 'loading') return <p class="empty" role="status">Loading the {what} …</p>;
  if (document.problem == null) return null;
  return (
    <p class="muted" role="status">
      The {what} were not read: {document.problem.message}.{document.value != null && ' This is what was known before.'}
    </p>
  );
}
