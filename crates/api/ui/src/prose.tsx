// Sentences of the daemon that may hold commands between backticks.

import { Copy } from './copy';

/** Renders `text`; what stands between backticks is shown as a command with its own copy button. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split('`').map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          <span class="command" key={index}>
            <code>
              {part}
              <Copy text={part} what="command" />
            </code>
          </span>
        ),
      )}
    </>
  );
}
