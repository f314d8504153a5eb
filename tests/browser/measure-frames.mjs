// Measures whether the fleet view stays smooth: the real daemon watches 50 made-up clusters of 3 members at 10 s, and the
// page is live and scrolled meanwhile.
//
// Usage: node measure-frames.mjs DAEMON FLEET PAGE [SECONDS]    default: 60
// DAEMON and FLEET are programs, PAGE is a recorded metrics page that the made-up members serve.
// Environment: CHROMIUM

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from './browser.mjs';
import { kill, start, until } from './processes.mjs';

const PORT = 18085;
const URL_OF_PAGE = `http://127.0.0.1:${PORT}/`;
const CLUSTERS = 50;
const SHOWN_MS = 60_000;
/** A picture that takes longer than this has missed its turn at 60 a second. */
const MISSED_MS = 25;

const [daemon, fleet, page] = process.argv.slice(2, 5);
const seconds = Number(process.argv[5] ?? 60);
if (page == null || !(seconds > 0)) throw new Error('usage: node measure-frames.mjs DAEMON FLEET PAGE [SECONDS]');

const folder = mkdtempSync(join(tmpdir(), 'etcd-monitor-frames-'));
const running = [];
let browser;
try {
  const config = join(folder, 'fleet.yaml');
  running.push(start(fleet, ['--clusters', String(CLUSTERS), '--page', page, '--config', config], join(folder, 'fleet.log')));
  await until('the made-up clusters are there', 60, async () => existsSync(config));
  running.push(start(daemon, ['--config', config, '--api-port', String(PORT), '--data-dir', join(folder, 'data')], join(folder, 'daemon.log')));
  await until('the daemon is ready', 60, async () => (await fetch(`${URL_OF_PAGE}ready`)).ok);
  browser = await launch();
  report(await frames(await browser.newPage({ viewport: { width: 1400, height: 900 } })));
} finally {
  await browser?.close();
  await Promise.all(running.map(kill));
  rmSync(folder, { recursive: true, force: true });
}

/** The times between pictures, in milliseconds, while the view goes up and down; and how often its data changed. */
async function frames(view) {
  await view.goto(URL_OF_PAGE);
  await view.waitForFunction((count) => document.querySelectorAll('[data-testid=fleet-row]').length >= count, CLUSTERS / 2, { timeout: SHOWN_MS });
  return view.evaluate(watch, seconds);
}

/** In the page. */
function watch(forSeconds) {
  return new Promise((resolve) => {
    const [times, began] = [[], performance.now()];
    let [last, changes] = [null, 0];
    new MutationObserver(() => (changes += 1)).observe(document.querySelector('[data-testid=fleet-table]'), { subtree: true, childList: true, characterData: true });
    const step = (now) => {
      if (last != null) times.push(now - last);
      last = now;
      // Down and up in four seconds.
      const reach = document.documentElement.scrollHeight - innerHeight;
      scrollTo(0, (1 - Math.cos(((now - began) / 4_000) * 2 * Math.PI)) * (reach / 2));
      if (now - began < forSeconds * 1_000) requestAnimationFrame(step);
      else resolve({ times, changes });
    };
    requestAnimationFrame(step);
  });
}

function report({ times, changes }) {
  const sorted = [...times].sort((a, b) => a - b);
  const share = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1);
  const missed = times.filter((time) => time > MISSED_MS).length;
  console.log(`${CLUSTERS} clusters, ${seconds} s, ${times.length} pictures; the table changed ${changes} times`);
  console.log(`milliseconds between pictures: median ${share(0.5)}, p99 ${share(0.99)}, longest ${share(1)}; longer than ${MISSED_MS}: ${missed}`);
}
