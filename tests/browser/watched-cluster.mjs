// A real etcd cluster of three members with the real daemon on it, each on a loopback address of its own.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

  constructor() {
    this.etcd = join(output(join(REPOSITORY, 'scripts/etcd-binaries'), [ETCD_VERSION]), 'etcd');
    this.daemon = process.env.ETCD_MONITOR ?? join(targetFolder(), 'debug/etcd-monitor');
  }

  /** The address of the dashboard. */
  get url() {
    return `http://${this.network}.10:8080/`;
  }

  async start() {
    for (const name of NAMES) this.startMember(name);
    await until('every member is healthy', 60, async () => {
      const answers = await Promise.all(NAMES.map((name) => fetch(`${this.client(name)}/health`)));
      return answers.every((answer) => answer.ok);
    });
    this.startDaemon();
    await until('the daemon is ready', 30, async () => (await fetch(`${this.url}ready`)).ok);
  }

  startMember(name) {
    const peers = NAMES.map((each) => `${each}=${this.peer(each)}`).join(',');
    this.run(name, this.etcd, [
      ...['--name', name, '--data-dir', join(this.folder, name), '--unsafe-no-fsync'],
      ...['--listen-client-urls', this.client(name), '--advertise-client-urls', this.client(name)],
      ...['--listen-peer-urls', this.peer(name), '--initial-advertise-peer-urls', this.peer(name)],
      ...['--initial-cluster', peers, '--initial-cluster-token', this.folder],
    ]);
  }

  startDaemon() {
    const { hostname, port } = new URL(this.url);
    const data = join(this.folder, 'daemon-data');
    // One endpoint is enough: the daemon finds the others.
    const watched = ['--endpoints', new URL(this.client('m1')).host];
    this.run('daemon', this.daemon, [...watched, '--listen', hostname, '--api-port', port, '--data-dir', data]);
  }

  async kill(name) {
    await kill(this.running.get(name));
    this.running.delete(name);
  }

  /** Ends everything; the logs are printed first when `failed`. */
  async stop(failed) {
    await Promise.all([...this.running.keys()].map((name) => this.kill(name)));
    if (failed) console.error(readFileSync(join(this.folder, 'daemon.log'), 'utf8').slice(-8000));
    rmSync(this.folder, { recursive: true, force: true });
  }

  run(name, command, args) {
    this.running.set(name, start(command, args, join(this.folder, `${name}.log`)));
  }

  client(name) {
    return `http://${this.network}.${NAMES.indexOf(name) + 1}:2379`;
  }

  peer(name) {
    return `http://${this.network}.${NAMES.indexOf(name) + 1}:2380`;
  }
}

function targetFolder() {
  const metadata = output('cargo', ['metadata', '--no-deps', '--format-version', '1', '--offline']);
  return JSON.parse(metadata).target_directory;
}

function output(command, args) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return execFileSync(command, args, { cwd: REPOSITORY, encoding: 'utf8', maxBuffer: 2 ** 26, stdio }).trim();
}
