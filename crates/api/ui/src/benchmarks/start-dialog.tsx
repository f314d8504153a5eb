// Starts a benchmark: on which cluster, what it asks, and how much.

import { useId, useState } from 'preact/hooks';
import { announce } from '../announce';
import { Dialog, DialogForm } from '../dialog';
import { size, whole } from '../format';
import { go } from '../navigation';
import { change } from '../rest';
import type { Asked, Bounds, Job, Limits, NumberName } from './documents';
import { costInWords, KINDS, PATH } from './documents';

const NUMBERS: [NumberName, string][] = [
  ['operations', 'Requests'],
  ['rate_limit', 'Requests per second at most'],
  ['clients', 'Requests in flight at most'],
  ['connections', 'Connections'],
  ['key_size', 'Bytes of a key'],
  ['value_size', 'Bytes of a value'],
];

interface Props {
  limits: Limits;
  /** Those to choose from, at least one. */
  clusters: string[];
  onClose: () => void;
}

export function StartDialog({ limits, clusters, onClose }: Props) {
  const [cluster, setCluster] = useState(clusters[0] ?? '');
  const [asked, setAsked] = useState(() => usual(limits));
  const submit = async () => {
    const job = await change<Job>('POST', `${PATH}?cluster=${encodeURIComponent(cluster)}`, asked);
    announce('The benchmark was started');
    go({ view: 'benchmark', id: job.id });
  };
  return (
    <Dialog title="Start a benchmark" onClose={onClose} testId="benchmark-dialog">
      <p class="muted">
        A load on the cluster that others use: what they read and write takes longer meanwhile. It writes keys below a prefix of its own and deletes them in the
        end; their history stays in the database until it is compacted. It ends after {limits.seconds_max} s at the latest, and as soon as something is found to
        be wrong with the cluster. It does not begin while a critical finding is true, an alarm is raised, or a database takes more
        than {Math.round(limits.quota_share_max * 100)} % of its quota.
      </p>
      <DialogForm submit="Start" onSubmit={submit} onClose={onClose}>
        {clusters.length > 1 && <Clusters clusters={clusters} chosen={cluster} onChange={setCluster} />}
        <Kinds asked={asked} onChange={setAsked} />
        <div class="numbers">
          {NUMBERS.map(([name, label]) => (
            <NumberField key={name} name={name} label={label} bounds={limits[name]} value={asked[name]} onChange={(value) => setAsked({ ...asked, [name]: value })} />
          ))}
        </div>
        <p class="hint muted" data-testid="benchmark-cost">
          It takes {costInWords(asked)}. At most {size(limits.written_bytes_max)} may be written.
        </p>
      </DialogForm>
    </Dialog>
  );
}

function usual(limits: Limits): Asked {
  const numbers = NUMBERS.map(([name]) => [name, limits[name].usual]);
  return { benchmark_type: 'mixed', ...Object.fromEntries(numbers) } as Asked;
}

function Clusters({ clusters, chosen, onChange }: { clusters: string[]; chosen: string; onChange: (cluster: string) => void }) {
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>Cluster</label>
      <select id={id} class="field" value={chosen} onChange={(event) => onChange(event.currentTarget.value)}>
        {clusters.map((name) => (
          <option key={name} value={name}>{name}</option>
        ))}
      </select>
    </div>
  );
}

function Kinds({ asked, onChange }: { asked: Asked; onChange: (asked: Asked) => void }) {
  const about = KINDS.find(([kind]) => kind === asked.benchmark_type)?.[1];
  return (
    <fieldset class="form-field presets">
      <legend>What it asks</legend>
      {KINDS.map(([kind]) => (
        <label class="preset" key={kind}>
          <input type="radio" name="kind" checked={kind === asked.benchmark_type} onChange={() => onChange({ ...asked, benchmark_type: kind })} />
          <span>{kind}</span>
        </label>
      ))}
      <p class="muted hint">{about}.</p>
    </fieldset>
  );
}

interface NumberProps {
  name: string;
  label: string;
  bounds: Bounds;
  value: number;
  onChange: (value: number) => void;
}

function NumberField({ name, label, bounds: { least, most }, value, onChange }: NumberProps) {
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <input
        {...{ id, name, class: 'field', type: 'number', inputMode: 'numeric', required: true, min: least, max: most, step: 1 }}
        aria-describedby={`${id}-hint`}
        value={Number.isFinite(value) ? value : ''}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <p class="muted hint" id={`${id}-hint`}>{whole(least)} to {whole(most)}</p>
    </div>
  );
}
