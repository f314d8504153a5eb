// The members on charts: their names, their colours, and which of them are shown.

import type { Snapshot } from '../../protocol';
import { memberKey, memberName } from '../../protocol';

/** Lines beyond this many cannot be told apart. */
const LINES_MAX = 16;

export interface ChartMember {
  key: string;
  name: string;
  /** Its place in the palette. */
  place: number;
  shown: boolean;
}

/** Places in the palette, by cluster and member: a colour stays with its member while the page is open. */
const places = new Map<string, Map<string, number>>();

/** The place of a member; a new one gets the next. */
export function placeOf(cluster: string, key: string): number {
  const known = places.get(cluster) ?? new Map<string, number>();
  places.set(cluster, known);
  const place = known.get(key) ?? known.size;
  known.set(key, place);
  return place;
}

export class Members {
  /** The members of the snapshot. */
  readonly all: ChartMember[];

  /** `picked` are the keys of those to show; empty for all that can be told apart. */
  constructor(
    private readonly cluster: string,
    snapshot: Snapshot,
    private readonly picked: ReadonlySet<string>,
  ) {
    this.all = snapshot.members.filter((member) => member.id != null).map((member) => this.of(memberKey(member), memberName(member)));
  }

  /** A member by its key: also one that has left the cluster, under the name that is known of it, or its id. */
  of(key: string, name: string | null): ChartMember {
    const place = placeOf(this.cluster, key);
    const shown = this.picked.size === 0 ? place < LINES_MAX : this.picked.has(key);
    return { key, name: name ?? key, place, shown };
  }

  /** How many lines are left out because they could not be told apart. */
  get hidden(): number {
    return this.picked.size === 0 ? this.all.filter((member) => !member.shown).length : 0;
  }

  /** What `key` is called, or itself. */
  nameOf(key: string): string {
    return this.all.find((member) => member.key === key)?.name ?? key;
  }
}
