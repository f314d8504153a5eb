// What is not needed at first is drawn after the first picture.

import { useEffect, useState } from 'preact/hooks';

/** False at first, true once the browser has shown a picture. */
export function useLater(): boolean {
  const [later, setLater] = useState(false);
  // An effect runs after the picture that it belongs to.
  useEffect(() => setLater(true), []);
  return later;
}
