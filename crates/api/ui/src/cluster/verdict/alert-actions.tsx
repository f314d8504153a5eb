// What can be done about the alert of a verdict: take it in hand, or silence it.

import { useState } from 'preact/hooks';
import { ALERTS, href, INCIDENTS } from '../../address';
import { AcknowledgeDialog } from '../../alerts/acknowledge-dialog';
import { Marks } from '../../alerts/marks';
import { SilenceDialog } from '../../alerts/silence-dialog';
import type { Alert } from '../../protocol';
import { PermittedButton } from '../../session/permitted';

export function AlertActions({ alert, onChanged }: { alert: Alert; onChanged: () => void }) {
  const [open, setOpen] = useState<'acknowledge' | 'silence' | null>(null);
  const dialog = { alert, onClose: () => setOpen(null), onDone: onChanged };
  return (
    <>
      {alert.acknowledged == null && (
        <PermittedButton onClick={() => setOpen('acknowledge')} testId="verdict-acknowledge">
          Acknowledge
        </PermittedButton>
      )}
      {alert.muted_by == null && (
        <PermittedButton onClick={() => setOpen('silence')} testId="verdict-silence">
          Silence
        </PermittedButton>
      )}
      <a class="button" href={href({ ...ALERTS, cluster: alert.cluster, alert: alert.id })}>
        Alert
      </a>
      {alert.state === 'firing' && (
        <a class="button" href={href({ ...INCIDENTS, cluster: alert.cluster, alert: alert.id })} data-testid="verdict-incident">
          Incident
        </a>
      )}
      <Marks alert={alert} />
      {open === 'acknowledge' && <AcknowledgeDialog {...dialog} />}
      {open === 'silence' && <SilenceDialog {...dialog} />}
    </>
  );
}
