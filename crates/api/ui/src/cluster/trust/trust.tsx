// Certificates and versions of a cluster, read when they come near what is seen.

import { useRef } from 'preact/hooks';
import { useSeen } from '../charts/use-seen';
import { Certificates } from './certificates';
import { Versions } from './versions';

export function Trust({ cluster }: { cluster: string }) {
  const host = useRef<HTMLDivElement>(null);
  const wanted = useSeen(host);
  return (
    <div class="columns" ref={host}>
      <Certificates cluster={cluster} wanted={wanted} />
      <Versions cluster={cluster} wanted={wanted} />
    </div>
  );
}
