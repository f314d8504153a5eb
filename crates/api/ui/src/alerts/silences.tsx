// Silences: those that hold and those to come first, then those that are over.

import { useState } from 'preact/hooks';
import { Ago } from '../ago';
import { announce } from '../announce';
import { useContext } from 'preact/hooks';
import { Now } from '../clock';
import { Dialog, DialogForm } from '../dialog';
import { fullTime, span } from '../format';
import type { Silence } from '../protocol';
import { ask } from '../rest';
import { PermittedButton } from '../session/permitted';
import { expireSilence } from './changes';
import { More } from './more';
import type { Page } from './pages';
import { usePages } from './pages';
import { SilenceDialog } from './silence-dialog';

const PAGE_SILENCES = 100;

export function Silences({ filter, onChanged }: { filter: string; onChanged: () => void }) {
  const [round, setRound] = useState(0);
  const [open, setOpen] = useState<'add' | Silence | null>(null);
  const pages = usePages(String(round), load);
  const changed = () => {
    setRound((old) => old + 1);
    onChanged();
  };
  const close = () => setOpen(null);
  const shown = (pages.items ?? []).filter((silence) => textOf(silence).includes(filter.toLowerCase()));
  const holding = shown.filter((silence) => silence.state !== 'expired');
  const over = shown.filter((silence) => silence.state === 'expired');
  return (
    <section class="card" aria-label="Silences" data-testid="silences">
      <div class="card-head">
        <p class="muted">Nothing new is told about alerts that a silence fits. Alerts are still followed and shown.</p>
        <PermittedButton onClick={() => setOpen('add')} class="button button-main" testId="add-silence">
          Add silence
        </PermittedButton>
      </div>
      {pages.items != null && holding.length === 0 && <p class="empty">No silence holds{filter === '' ? '' : ` that matches “${filter}”`}.</p>}
      <ul>
        {holding.map((silence) => (
          <Item silence={silence} onExpire={setOpen} key={silence.id} />
        ))}
      </ul>
      {over.length > 0 && (
        <details class="in-order">
          <summary>{over.length} over</summary>
          <ul>
            {over.map((silence) => (
              <Item silence={silence} onExpire={setOpen} key={silence.id} />
            ))}
          </ul>
        </details>
      )}
      <More pages={pages} what="silences" />
      {open === 'add' && <SilenceDialog alert={null} onClose={close} onDone={changed} />}
      {open != null && open !== 'add' && <ExpireDialog silence={open} onClose={close} onDone={changed} />}
    </section>
  );
}

function Item({ silence, onExpire }: { silence: Silence; onExpire: (silence: Silence) => void }) {
  return (
    <li class={`silence silence-${silence.state}`} data-testid="silence" data-state={silence.state}>
      <div class="silence-text">
        <Matchers silence={silence} />
        <p>{silence.comment}</p>
        <p class="muted item-meta">
          <When silence={silence} />
          <span>
            by <bdi>{silence.author}</bdi>
          </span>
        </p>
      </div>
      {silence.state !== 'expired' && (
        <PermittedButton onClick={() => onExpire(silence)} testId="expire">
          Expire<span class="sr"> {silence.matchers.join(', ')}</span>
        </PermittedButton>
      )}
    </li>
  );
}

function Matchers({ silence }: { silence: Silence }) {
  return (
    <p class="matchers">
      {silence.matchers.map((matcher) => (
        <code class="matcher" key={matcher}>
          {matcher}
        </code>
      ))}
    </p>
  );
}

function When({ silence }: { silence: Silence }) {
  const now = useContext(Now);
  const { starts_at: starts, ends_at: ends, state } = silence;
  if (state === 'expired') return <span>over for <Ago at={ends} /></span>;
  const until = (at: string) => <time dateTime={at} title={fullTime(Date.parse(at))}>{span((Date.parse(at) - now) / 1000)}</time>;
  return state === 'pending' ? <span>begins in {until(starts)}</span> : <span>{until(ends)} left</span>;
}

function ExpireDialog({ silence, onClose, onDone }: { silence: Silence; onClose: () => void; onDone: () => void }) {
  const submit = async () => {
    await expireSilence(silence.id);
    announce('Silence expired');
    onDone();
  };
  return (
    <Dialog title="Expire silence?" onClose={onClose} testId="expire-dialog">
      <Matchers silence={silence} />
      <p class="muted">Alerts that it held back and that still fire are told at once.</p>
      <DialogForm submit="Expire now" danger onSubmit={submit} onClose={onClose}>
        {null}
      </DialogForm>
    </Dialog>
  );
}

function textOf(silence: Silence): string {
  return [...silence.matchers, silence.comment, silence.author].join(' ').toLowerCase();
}

async function load(after: string | null): Promise<Page<Silence>> {
  const query = new URLSearchParams({ expired: 'true', limit: String(PAGE_SILENCES) });
  if (after != null) query.set('after', after);
  const answer = await ask<{ silences: Silence[]; next: string | null }>(`api/v1/silences?${query}`);
  return { items: answer.silences, next: answer.next };
}
