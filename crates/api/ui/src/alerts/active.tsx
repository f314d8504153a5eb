// Active alerts by cluster, worst first.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ALERTS, clusterAddress, href, INCIDENTS } from '../address';
import { Ago } from '../ago';
import { announce } from '../announce';
import { count } from '../format';
import { Prose } from '../prose';
import type { Alert } from '../protocol';
import { subjectKey } from '../protocol';
import { inWords } from '../rest';
import { PermittedButton } from '../session/permitted';
import { Shape } from '../shape';
import { AcknowledgeDialog } from './acknowledge-dialog';
import { takeBack } from './changes';
import { Marks } from './marks';
import type { Group } from './select';
import { isOpen } from './select';
import { SilenceDialog } from './silence-dialog';

interface Props {
  groups: Group[];
  /** The id of the alert that the address points at. */
  pointed: string | null;
  onChanged: () => void;
}

type Open = { kind: 'silence' | 'acknowledge'; alert: Alert } | null;

export function ActiveAlerts({ groups, pointed, onChanged }: Props) {
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <div class="groups" data-testid="alert-groups">
      {groups.map((group) => (
        <section class="card group" key={group.cluster} aria-label={`Alerts of ${group.cluster}`}>
          <h2>
            <a href={href(clusterAddress(group.cluster))}>
              <bdi>{group.cluster}</bdi>
            </a>{' '}
            <span class="muted">{count(group.alerts.length, 'alert')}</span>
          </h2>
          <ul>
            {group.alerts.map((alert) => (
              <AlertItem alert={alert} pointed={alert.id === pointed} onOpen={setOpen} onChanged={onChanged} key={alert.id} />
            ))}
          </ul>
        </section>
      ))}
      {open?.kind === 'silence' && <SilenceDialog alert={open.alert} onClose={close} onDone={onChanged} />}
      {open?.kind === 'acknowledge' && <AcknowledgeDialog alert={open.alert} onClose={close} onDone={onChanged} />}
    </div>
  );
}

interface ItemProps {
  alert: Alert;
  pointed: boolean;
  onOpen: (open: Open) => void;
  onChanged: () => void;
}

function AlertItem({ alert, pointed, onOpen, onChanged }: ItemProps) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (pointed) item.current?.scrollIntoView({ block: 'nearest' });
  }, [pointed]);
  const look = ['alert', isOpen(alert) ? '' : 'alert-calm', pointed ? 'alert-pointed' : ''].join(' ');
  return (
    <li ref={item} class={look} data-testid="alert" data-rule={alert.rule} data-pointed={pointed}>
      <Shape state={alert.severity} label={`${alert.severity}:`} />
      <div class="alert-text">
        <p class="alert-title">
          <a href={href({ ...ALERTS, alert: alert.id })}>{alert.cause || alert.rule}</a>
        </p>
        <p class="muted item-meta">
          <a href={href(clusterAddress(alert.cluster, { finding: `${alert.rule}/${subjectKey(alert.subject)}` }))}>{alert.rule}</a>
          <bdi>{alert.subject.name}</bdi>
          <span>
            {alert.state === 'pending' ? 'pending, true for ' : 'for '}
            <Ago at={alert.since} />
          </span>
          {alert.state === 'firing' && <a href={href({ ...INCIDENTS, cluster: alert.cluster, alert: alert.id })}>incident</a>}
        </p>
        <Marks alert={alert} />
        {alert.action !== '' && (
          <p class="item-action">
            <Prose text={alert.action} />
          </p>
        )}
      </div>
      <Decisions alert={alert} onOpen={onOpen} onChanged={onChanged} />
    </li>
  );
}

function Decisions({ alert, onOpen, onChanged }: Pick<ItemProps, 'alert' | 'onOpen' | 'onChanged'>) {
  const undo = () =>
    void takeBack(alert).then(onChanged, (error: unknown) => announce(`The acknowledgement stays: ${inWords(error)}`));
  const named = <span class="sr"> {alert.rule} of {alert.subject.name}</span>;
  return (
    <div class="decisions">
      {alert.acknowledged == null && alert.state === 'firing' && (
        <PermittedButton onClick={() => onOpen({ kind: 'acknowledge', alert })} testId="acknowledge">
          Acknowledge{named}
        </PermittedButton>
      )}
      {alert.acknowledged != null && (
        <PermittedButton onClick={undo} testId="take-back">
          Take back{named}
        </PermittedButton>
      )}
      <PermittedButton onClick={() => onOpen({ kind: 'silence', alert })} testId="silence">
        Silence{named}
      </PermittedButton>
    </div>
  );
}
