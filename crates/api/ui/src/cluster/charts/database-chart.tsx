// The database against its quota, with the line into the future that the daemon's forecast gives.

import { size } from '../../format';
import type { Shared } from './chart';
import { Chart } from './chart';
import type { MemberForecast, Outlook } from './forecast';
import { futureSeconds, inWords, outlookInWords } from './forecast';
import type { ChartKind, Level } from './kinds';
import type { Drawn } from './legend';
import { isLive } from './range';

export function DatabaseChart({ kind, forecast, ...shared }: Shared & { kind: ChartKind; forecast: MemberForecast[] | null }) {
  const quotas = quotasOf(shared);
  const told = isLive(shared.range) ? (forecast ?? []) : [];
  const { from, to } = shared.window;
  const window = { from, to: to + futureSeconds(told, to - from) };
  return (
    <Chart {...shared} kind={kind} window={window} levels={quotas.map(levelOf)} outlooksOf={(lines) => outlooksOf(lines, told, shared)} note={<Note quotas={quotas} told={forecast} />} />
  );
}

function Note({ quotas, told }: { quotas: number[]; told: MemberForecast[] | null }) {
  const quota = quotas.length === 0 ? 'quota not known' : `quota ${quotas.map(size).join(', ')}`;
  if (told == null) return <>{quota}</>;
  return (
    <span title={told.map((one) => `${one.member}: ${inWords(one)}`).join('\n')} data-testid="forecast">
      {quota} · {outlookInWords(told)}
    </span>
  );
}

/** The quotas that there are, each once. */
function quotasOf({ snapshot }: Shared): number[] {
  return [...new Set(snapshot.members.flatMap((member) => member.database?.quota_bytes ?? []))].sort((a, b) => a - b);
}

function levelOf(quota: number): Level & { text: string } {
  return { value: quota, severity: 'critical', text: `quota ${size(quota)}` };
}

function outlooksOf(lines: Drawn[], told: MemberForecast[], { snapshot }: Shared): Outlook[] {
  return told.flatMap((one): Outlook[] => {
    const line = lines.find((candidate) => candidate.shownName === one.member);
    const last = line?.points.at(-1);
    const quota = snapshot.members.find((member) => member.id === line?.key)?.database?.quota_bytes;
    if (one.forecast !== 'in' || line == null || last == null || quota == null) return [];
    return [{ place: line.place, from: { at: last.at, value: last.mean }, to: { at: last.at + one.seconds, value: quota } }];
  });
}
