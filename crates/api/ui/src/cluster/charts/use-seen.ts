// Whether an element has come near what is seen; once true it stays so.

import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const NEAR = '300px';

export function useSeen(element: RefObject<Element | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (element.current == null) return undefined;
    const observer = new IntersectionObserver((entries) => setSeen((old) => old || entries.some((entry) => entry.isIntersecting)), { rootMargin: NEAR });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return seen;
}
