// What the daemon tells of the certificates and the versions of a cluster, and what the page concludes from it. Texts of
// members and of their certificates are untrusted.

import { count, span } from '../../format';
import type { State } from '../../state';

const DAY_SECONDS = 86_400;
/** From so many days on fractions of days say nothing. */
const WHOLE_DAYS = 2;
/** Names of a certificate that are shown. */
const NAMES_SHOWN = 4;

export type PortKind = 'client' | 'peer';

interface Port {
  /** The member's name; the endpoint while the name is not known. */
  member: string;
  port: PortKind;
  url: string;
}

export interface Certificate extends Port {
  subject: string;
  issuer: string;
  names: string[];
  not_before: string;
  not_after: string;
  /** To a tenth; negative after the end. */
  days_left: number;
  covers_host: boolean;
  /** What the findings say is wrong with it; null where nothing. */
  problem: string | null;
  /** Why the handshake ended early; null when it was completed. */
  refused: string | null;
  seen_at: string;
}

/** A port, or a member, of which it is not known what it shows. */
export interface UnseenPort {
  member: string;
  port: PortKind | null;
  url: string | null;
  reason: string;
}

/** `api/v1/cluster/certificates`. */
export interface CertificatesDocument {
  certificates: Certificate[];
  without_tls: Port[];
  unknown: UnseenPort[];
}

export interface Defect {
  id: string;
  problem: string;
  endangers_data: boolean;
}

export interface MemberVersions {
  member: string;
  member_id: string;
  version: string | null;
  storage_version: string | null;
  /** Null where the version is not known. */
  known_defects: Defect[] | null;
}

/** `api/v1/cluster/versions`. */
export interface VersionsDocument {
  /** As what the cluster acts; null where it is not known. */
  cluster_version: string | null;
  members: MemberVersions[];
  mixed: boolean | null;
}

export function certificateState({ days_left: days, problem }: Certificate): State {
  if (days <= 0) return 'critical';
  return problem == null ? 'healthy' : 'warning';
}

/** How long it holds: `63 days left`, `5 h left`, `ended 3 days ago`. */
export function daysInWords(days: number): string {
  const amount = Math.abs(days);
  const long = amount >= WHOLE_DAYS ? `${Math.floor(amount)} days` : span(amount * DAY_SECONDS);
  // Rounded down: zero is less than a tenth of a day that is left.
  if (days === 0) return 'less than 3 h left';
  return days > 0 ? `${long} left` : `ended ${long} ago`;
}

/** Those that end first come first. */
export function firstToEnd(certificates: Certificate[]): Certificate[] {
  return [...certificates].sort((a, b) => a.days_left - b.days_left || a.member.localeCompare(b.member));
}

/** Its alternative names, at most some of them. */
export function namesOf({ names }: Certificate): string {
  if (names.length === 0) return 'no alternative names';
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** What the ports without TLS come to, as a sentence; null where there are none. */
export function withoutTls({ certificates, without_tls: plain, unknown }: CertificatesDocument): string | null {
  if (plain.length === 0) return null;
  if (certificates.length === 0 && unknown.length === 0) return 'This cluster speaks without TLS: there are no certificates, and whoever reaches its ports can read along.';
  return `Without TLS: ${plain.map(({ member, port }) => `${member} (${port})`).join(', ')}.`;
}

export function defectsState(defects: Defect[] | null): State {
  if (defects == null) return 'unknown';
  if (defects.some((defect) => defect.endangers_data)) return 'critical';
  return defects.length === 0 ? 'healthy' : 'warning';
}

/** Whether all members run the same, as a sentence. */
export function mixedInWords(mixed: boolean | null): string {
  if (mixed == null) return 'whether all members run the same version is not known';
  return mixed ? 'members run different versions' : 'all members run the same version';
}

/** `no known defect`, `2 known defects`. */
export function defectsInWords(defects: Defect[]): string {
  return defects.length === 0 ? 'no known defect' : count(defects.length, 'known defect');
}
