// A real etcd cluster with the real daemon on it, each process on a loopback address of its own.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kill, start, until } from './processes.mjs';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const ETCD_VERSION = '3.7.3';
const NAMES = ['m1', 'm2', 'm3'];

export class WatchedCluster {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'etcd-monitor-browser-'));
  // Loopback addresses that no other process of this machine is likely to use: fixed ports on them cannot race.
  network = `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
  running = new Map();

  /**
   * `names`: of its members. `unreachable`: clusters that are watched besides and do not exist. `beside`: others that are
   * watched, as in the configuration. With any of these, the cluster is called `name`. `flags`: more of the daemon's.
   */
  constructor({ names = NAMES, name = 'prod', unreachable = [], beside = [], flags = [] } = {}) {
    Object.assign(this, { names, name, unreachable, beside, flags });
    this.etcd = join(output(join(REPOSITORY, 'scripts/etcd-binaries'), [ETCD_VERSION]), 'etcd');
    this.daemon = process.env.ETCD_MONITOR ?? join(targetFolder(), 'debug/etcd-monitor');
  }

  /** The address of the dashboard. */
  get url() {
    return `http://${this.network}.10:8080/`;
  }

  async start() {
    await this.startMembers();
    this.startDaemon();
    await until('the daemon is ready', 30, async () => (await fetch(`${this.url}ready`)).ok);
  }

  async startMembers() {
    for (const name of this.names) this.startMember(name);
    await until('every member is healthy', 60, async () => {
      const answers = await Promise.all(this.names.map((name) => fetch(`${this.client(name)}/health`)));
      return answers.every((answer) => answer.ok);
    });
  }

  startMember(name) {
    const peers = this.names.map((each) => `${each}=${this.peer(each)}`).join(',');
    this.run(name, this.etcd, [
      ...['--name', name, '--data-dir', join(this.folder, `member-${this.names.indexOf(name)}`), '--unsafe-no-fsync'],
      ...['--listen-client-urls', this.client(name), '--advertise-client-urls', this.client(name)],
      ...['--listen-peer-urls', this.peer(name), '--initial-advertise-peer-urls', this.peer(name)],
      ...['--initial-cluster', peers, '--initial-cluster-token', this.folder],
    ]);
  }

  startDaemon() {
    const { hostname, port } = new URL(this.url);
    const data = join(this.folder, 'daemon-data');
    const common = ['--listen', hostname, '--api-port', port, '--data-dir', data, ...this.flags];
    this.run('daemon', this.daemon, [...this.watched(), ...common]);
  }

  /** The flags that say what is watched. One endpoint is enough: the daemon finds the others. */
  watched() {
    const endpoint = this.names.length === 0 ? [] : [new URL(this.client(this.names[0])).host];
    if (this.unreachable.length + this.beside.length === 0) return ['--endpoints', ...endpoint];
    const nowhere = this.unreachable.map((name, index) => ({ name, endpoints: [`${this.network}.${200 + index}:2379`] }));
    const clusters = [...(endpoint.length === 0 ? [] : [{ name: this.name, endpoints: endpoint }]), ...this.beside, ...nowhere];
    // JSON is YAML.
    const file = join(this.folder, 'monitor.yaml');
    writeFileSync(file, JSON.stringify({ interval: '1s', clusters }));
    return ['--config', file];
  }

  async kill(name) {
    await kill(this.running.get(name));
    this.running.delete(name);
  }

  /** Ends everything; the logs are printed first when `failed`. */
  async stop(failed) {
    await Promise.all([...this.running.keys()].map((name) => this.kill(name)));
    if (failed && existsSync(join(this.folder, 'daemon.log'))) console.error(readFileSync(join(this.folder, 'daemon.log'), 'utf8').slice(-8000));
    rmSync(this.folder, { recursive: true, force: true });
  }

  run(name, command, args) {
    const log = name === 'daemon' ? name : `member-${this.names.indexOf(name)}`;
    this.running.set(name, start(command, args, join(this.folder, `${log}.log`)));
  }

  client(name) {
    return `http://${this.network}.${this.names.indexOf(name) + 1}:2379`;
  }

  peer(name) {
    return `http://${this.network}.${this.names.indexOf(name) + 1}:2380`;
  }
}

/** A token with its hash, made by the command that operators use; `token` is the secret, the rest stands in the file. */
export function newToken(daemon, name, role) {
  return { name, role, ...JSON.parse(output(daemon, ['hash-token', name, '--role', role, '-w', 'json'])) };
}

function targetFolder() {
  const metadata = output('cargo', ['metadata', '--no-deps', '--format-version', '1', '--offline']);
  return JSON.parse(metadata).target_directory;
}

function output(command, args) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return execFileSync(command, args, { cwd: REPOSITORY, encoding: 'utf8', maxBuffer: 2 ** 26, stdio }).trim();
}
