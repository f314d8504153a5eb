// What the page collected since it was opened. Bounded: the oldest samples go first.

import type { Member, Snapshot } from './protocol';
import { memberKey, memberName } from './protocol';

/** One hour at the default interval of 5 s. */
const CAPACITY = 720;
/** A pause longer than this many intervals is a gap, not a line. */
const GAP_INTERVALS = 2.5;

/** What is drawn of a member; null where it was not known. */
export interface MemberSample {
  read_seconds: number | null;
  database_bytes: number | null;
  rate_per_second: number | null;
}

interface Row {
  at: number;
  members: Map<string, MemberSample>;
}

/** A member as a series: its key, its name as last seen, and its place in the palette. */
export interface Series {
  key: string;
  name: string;
  place: number;
}

export class Samples {
  /** The members seen, in the order in which they were first seen: their colour stays theirs. */
  readonly series: Series[] = [];
  private rows: Row[] = [];

  /** Takes one snapshot; the same cycle twice counts once. */
  add(snapshot: Snapshot): void {
    const at = Date.parse(snapshot.status.at) / 1000;
    const last = this.rows.at(-1);
    for (const member of snapshot.members) this.know(member);
    if (Number.isNaN(at) || (last != null && at <= last.at)) return;
    if (last != null && at - last.at > GAP_INTERVALS * snapshot.status.interval_seconds) {
      this.push({ at: (last.at + at) / 2, members: new Map() });
    }
    this.push({ at, members: new Map(snapshot.members.map((member) => [memberKey(member), sample(member)])) });
  }

  /** Number of samples. */
  get length(): number {
    return this.rows.length;
  }

  /** The times of all samples, in unix seconds. */
  times(): number[] {
    return this.rows.map((row) => row.at);
  }

  /** One value of one member over all samples. */
  values(key: string, what: keyof MemberSample): (number | null)[] {
    return this.rows.map((row) => row.members.get(key)?.[what] ?? null);
  }

  private push(row: Row): void {
    this.rows.push(row);
    if (this.rows.length > CAPACITY) this.rows.shift();
  }

  private know(member: Member): void {
    const key = memberKey(member);
    const known = this.series.find((series) => series.key === key);
    if (known != null) known.name = memberName(member);
    else this.series.push({ key, name: memberName(member), place: this.series.length });
  }
}

function sample(member: Member): MemberSample {
  return {
    read_seconds: member.last_read_seconds,
    database_bytes: member.database?.allocated_bytes ?? null,
    rate_per_second: member.counters?.request_rate_per_second ?? null,
  };
}
