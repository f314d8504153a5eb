// Relative times with the absolute one on hover.

import { useAgo } from './clock';

/** `11 min` since `at`, with `suffix` such as " ago". */
export function Ago({ at, suffix = '' }: { at: string; suffix?: string }) {
  const ago = useAgo(at);
  return (
    <time dateTime={at} title={ago.title}>
      {ago.span}
      {suffix}
    </time>
  );
}
