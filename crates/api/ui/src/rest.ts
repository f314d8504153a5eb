// Questions to the daemon's REST routes, and its refusals.

/** The daemon answered, and refused. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    /** What it says, for people. */
    readonly detail: string,
  ) {
    super(`the daemon refuses with ${status}: ${detail}`);
  }
}

/** Longest wait for an answer. */
const DEADLINE_MS = 15_000;

/** Asks `path` (relative to the page) and returns the answer's document; null where it has none. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(path, { ...init, signal, headers: { accept: 'application/json', ...init.headers } });
  if (!response.ok) throw await refusal(response);
  return (response.status === 204 ? null : await response.json()) as T;
}

/** Changes something: `document` goes as JSON. */
export function change<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, document: object = {}): Promise<T> {
  return ask<T>(path, { method, body: JSON.stringify(document), headers: { 'content-type': 'application/json' } });
}

/** What went wrong, as a sentence for the page. */
export function inWords(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof TypeError) return 'the daemon does not answer; trying again';
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'the daemon takes too long to answer';
  return error instanceof Error ? error.message : String(error);
}

/** The refusal of an answer, from its problem document where it has one. */
async function refusal(response: Response): Promise<Refusal> {
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  const detail = text(problem['detail']) ?? text(problem['title']) ?? (response.statusText || 'refused');
  return new Refusal(response.status, text(problem['code']), detail);
}
