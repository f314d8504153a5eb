// Commands within the daemon's sentences.

/**
 * A command: what stands between backticks, or what begins with a tool that operators run and goes on to the end of its
 * clause (a comma without a space belongs to a list of endpoints).
 */
const COMMAND = /`([^`]+)`|\b((?:etcdctl|etcdutl|systemctl|journalctl|openssl|curl) (?:[^;,)]|,(?! ))+)/g;

export interface Part {
  text: string;
  isCommand: boolean;
}

/** Cuts `text` into prose and commands, in order. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(COMMAND)) {
    parts.push({ text: text.slice(end, match.index), isCommand: false });
    parts.push({ text: (match[1] ?? match[2] ?? '').trim(), isCommand: true });
    end = match.index + match[0].length;
  }
  return [...parts, { text: text.slice(end), isCommand: false }];
}

/** Whether `text` names a command, which then has its own copy button. */
export function namesCommand(text: string): boolean {
  return partsOf(text).some((part) => part.isCommand);
}
