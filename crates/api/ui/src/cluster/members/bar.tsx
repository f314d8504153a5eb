// How full something is. Neutral in colour: a level that matters is a finding, which has a state.

/** A bar filled to `share` (0 to 1). */
export function Bar({ share, label }: { share: number; label: string }) {
  const filled = Math.min(1, Math.max(0, share));
  return (
    <span class="bar" role="img" aria-label={label} title={label}>
      <span class="bar-fill" style={{ width: `${filled * 100}%` }} />
    </span>
  );
}
