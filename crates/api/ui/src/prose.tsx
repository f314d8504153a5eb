// Sentences of the daemon that name commands.

import { partsOf } from './commands';
import { Copy } from './copy';

/** Renders `text`; each command in it is set apart and has a copy button of its own. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {partsOf(text).map((part, index) => (part.isCommand ? <Command text={part.text} key={index} /> : part.text))}
    </>
  );
}

function Command({ text }: { text: string }) {
  return (
    <span class="command">
      <code>
        {text}
        <Copy text={text} what="command" />
      </code>
    </span>
  );
}
