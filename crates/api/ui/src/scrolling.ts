// Follows what moves a page's content past the screen.

import { useEffect } from 'preact/hooks';

/** Calls `look` now, and at most once a frame while the page is scrolled or resized, as long as it `follows`; anew with other `inputs`. */
export function useScrolling(look: () => void, inputs: readonly unknown[], follows = true): void {
  useEffect(() => {
    if (!follows) return undefined;
    let frame = 0;
    const inFrame = () => {
      frame = 0;
      look();
    };
    const later = () => {
      frame ||= requestAnimationFrame(inFrame);
    };
    look();
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', later);
      removeEventListener('resize', later);
    };
  }, [...inputs, follows]);
}
