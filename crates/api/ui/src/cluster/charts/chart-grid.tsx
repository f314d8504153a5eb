// The time line, and every chart below it.

import { TimeLine } from '../timeline/time-line';
import type { Shared } from './chart';
import { Chart } from './chart';
import { DatabaseChart } from './database-chart';
import type { MemberForecast } from './forecast';
import { DATABASE, KINDS } from './kinds';

interface Props {
  shared: Shared;
  /** False until it is near what is seen. */
  seen: boolean;
  /** Null: not known, or not of this time. */
  forecast: MemberForecast[] | null;
}

export function ChartGrid({ shared, seen, forecast }: Props) {
  return (
    <>
      <TimeLine {...shared} seen={seen} />
      {KINDS.map((kind) => (kind.id === DATABASE ? <DatabaseChart key={kind.id} {...shared} kind={kind} forecast={forecast} /> : <Chart key={kind.id} {...shared} kind={kind} />))}
    </>
  );
}
