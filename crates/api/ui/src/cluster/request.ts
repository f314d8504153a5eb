// Requests to the daemon that can be called off.

/** Why the daemon gave no answer, in words for people; `code` is the problem document's, where there is one. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code: string | null,
  ) {
    super(message);
  }
}

/** Reads a JSON document; throws a `Refusal`, or the abort error of `signal`. */
export async function read<T>(path: string, query: Record<string, string | null>, signal: AbortSignal): Promise<T> {
  const parameters = Object.entries(query).flatMap(([name, value]) => (value == null ? [] : [[name, value]]));
  const address = parameters.length === 0 ? path : `${path}?${new URLSearchParams(parameters)}`;
  const response = await fetch(address, { signal, headers: { accept: 'application/json' } }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new Refusal('the daemon does not answer', null);
  });
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as T;
}

async function refusalOf(response: Response): Promise<Refusal> {
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; title?: string };
  const reason = problem.detail ?? problem.title ?? (response.statusText || 'refused');
  return new Refusal(`the daemon refuses with ${response.status}: ${reason}`, problem.code ?? null);
}
