// The canvas of a chart: made anew when its lines, its axis or the theme change, else only drawn again.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChartKind } from './kinds';
import type { Drawing, OnZoom } from './plot';
import { Plot } from './plot';

interface Props {
  kind: ChartKind;
  places: number[];
  log: boolean;
  drawing: Drawing;
  onZoom: OnZoom;
}

export function Canvas({ kind, places, log, drawing, onZoom }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(onZoom);
  latest.current = onZoom;
  const look = useLook();
  useEffect(() => {
    if (host.current == null) return undefined;
    const made = new Plot(host.current, { kind, places, log }, (from, to) => latest.current(from, to));
    plot.current = made;
    return () => made.destroy();
  }, [kind, places.join(), log, look]);
  useEffect(() => plot.current?.show(drawing));
  return <div class="canvas" ref={host} role="img" aria-label={`${kind.title} by member; the values stand below`} />;
}

/** A number that changes with the theme. */
function useLook(): number {
  const [look, setLook] = useState(0);
  useEffect(() => {
    const changed = () => setLook((number) => number + 1);
    addEventListener('themechange', changed);
    return () => removeEventListener('themechange', changed);
  }, []);
  return look;
}
