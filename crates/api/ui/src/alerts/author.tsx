// Who says it, where the daemon does not know who asks.

import { useState } from 'preact/hooks';
import { Field } from '../field';
import { useSession } from '../session/session';

const STORED = 'etcd-monitor.author';
const CHARS_MAX = 100;

export interface Author {
  name: string;
  setName: (name: string) => void;
  /** False where the daemon knows the name. */
  asked: boolean;
  /** The part of a document that says it; remembers the name for the next time. */
  said: () => { author?: string };
}

export function useAuthor(): Author {
  const { state } = useSession();
  const [name, setName] = useState(remembered);
  const asked = state.kind !== 'known' || state.session.name == null;
  const said = () => {
    if (!asked) return {};
    remember(name.trim());
    return { author: name.trim() };
  };
  return { name, setName, asked, said };
}

export function AuthorField({ author }: { author: Author }) {
  if (!author.asked) return null;
  return <Field label="Your name" value={author.name} onChange={author.setName} required max={CHARS_MAX} />;
}

function remembered(): string {
  try {
    return localStorage.getItem(STORED) ?? '';
  } catch {
    return '';
  }
}

function remember(name: string): void {
  try {
    localStorage.setItem(STORED, name);
  } catch {
    // Storage is off: it is asked again the next time.
  }
}
