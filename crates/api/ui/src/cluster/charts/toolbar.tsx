// The controls of all charts: range, quantile, members.

import type { Preset, Range } from '../../address';
import { span } from '../../format';
import { seriesClass } from '../../palette';
import type { Quantile } from './kinds';
import { QUANTILES } from './kinds';
import type { Members } from './members';
import type { Window } from './range';
import { isLive, moved, PRESET_SECONDS, scaled } from './range';
import { rangeHref, showRange } from './range-address';

interface Props {
  cluster: string;
  range: Range;
  window: Window;
  now: number;
  quantile: Quantile;
  onQuantile: (quantile: Quantile) => void;
  members: Members;
  picked: ReadonlySet<string>;
  onPick: (picked: Set<string>) => void;
}

export function Toolbar(props: Props) {
  return (
    <div class="toolbar" data-testid="toolbar">
      <RangeChoice {...props} />
      <QuantileChoice {...props} />
      {props.members.all.length > 1 && <MemberChoice {...props} />}
    </div>
  );
}

function RangeChoice({ cluster, range, window, now }: Props) {
  const step = (title: string, text: string, next: Range) => (
    <button type="button" class="step" title={title} aria-label={title} onClick={() => showRange(cluster, next)}>
      {text}
    </button>
  );
  return (
    <div class="choice" role="group" aria-label="Range of time">
      {step('Earlier', '‹', moved(window, -0.5, now))}
      {(Object.keys(PRESET_SECONDS) as Preset[]).map((preset) => (
        <RangeLink cluster={cluster} preset={preset} current={isLive(range) && range.preset === preset} key={preset} />
      ))}
      {!isLive(range) && <Fixed cluster={cluster} window={window} />}
      {step('Later', '›', moved(window, 0.5, now))}
      {step('Zoom out', '−', scaled(window, 2, now))}
      {step('Zoom in', '+', scaled(window, 0.5, now))}
    </div>
  );
}

function RangeLink({ cluster, preset, current }: { cluster: string; preset: Preset; current: boolean }) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showRange(cluster, { preset });
  };
  return (
    <a class="option" href={rangeHref(cluster, { preset })} aria-current={current ? 'true' : undefined} onClick={follow}>
      {preset}
    </a>
  );
}

/** A fixed range, which does not move on; a click goes back to live. */
function Fixed({ cluster, window }: { cluster: string; window: Window }) {
  const text = `${moment(window.from)} – ${moment(window.to)}`;
  return (
    <button type="button" class="option option-on" title="Back to live (or double-click a chart)" data-testid="fixed-range" onClick={() => showRange(cluster, null)}>
      {text} <span class="muted">({span(window.to - window.from)})</span> ✕<span class="sr"> Back to live</span>
    </button>
  );
}

function moment(at: number): string {
  return new Date(at * 1000).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

function QuantileChoice({ quantile, onQuantile }: Props) {
  return (
    <div class="choice" role="group" aria-label="Quantile of latencies">
      {QUANTILES.map((one) => (
        <button type="button" class={one === quantile ? 'option option-on' : 'option'} aria-pressed={one === quantile} onClick={() => onQuantile(one)} key={one}>
          {one}
        </button>
      ))}
    </div>
  );
}

function MemberChoice({ members, picked, onPick }: Props) {
  const toggle = (key: string) => {
    const next = new Set(picked);
    if (!next.delete(key)) next.add(key);
    onPick(next.size === members.all.length ? new Set() : next);
  };
  return (
    <div class="choice choice-members" role="group" aria-label="Members on the charts; none pressed shows all">
      {members.all.map(({ key, name, place }) => (
        <button type="button" class={picked.has(key) ? 'option option-on' : 'option'} aria-pressed={picked.has(key)} onClick={() => toggle(key)} key={key}>
          <span class={`swatch ${seriesClass(place)}`} aria-hidden="true" /> <bdi>{name}</bdi>
        </button>
      ))}
      {members.hidden > 0 && <span class="muted">{members.hidden} more, not drawn until picked</span>}
    </div>
  );
}
