// How long the dashboard takes from the navigation until it can be used: until the verdict of a cluster, or a line of
// the fleet, is on the page.
//
//     node tests/browser/measure-load.mjs URL [LOADS]
//
// Prints the median of LOADS loads (15), and the fastest and the slowest: cold in a fresh profile each, warm in one whose
// files and shared worker are there from a load before and from an open tab.

import { argv, exit } from 'node:process';
import { launch } from './browser.mjs';

const LOADS = 15;
const USABLE = '[data-testid="verdict"], [data-testid="fleet-row"]';
const SHOWN_MS = 30_000;

/** Notes in the page when what makes it usable was first there, in milliseconds after the navigation began. */
function note(selector) {
  new MutationObserver(() => {
    if (document.querySelector(selector) != null) globalThis.usableMs ??= performance.now();
  }).observe(document, { childList: true, subtree: true });
}

async function load(context, url) {
  const page = await context.newPage();
  await page.addInitScript(note, USABLE);
  await page.goto(url);
  await page.waitForFunction(() => globalThis.usableMs != null, null, { timeout: SHOWN_MS });
  const usableMs = await page.evaluate(() => globalThis.usableMs);
  await page.close();
  return usableMs;
}

async function cold(browser, url) {
  const context = await browser.newContext();
  const usableMs = await load(context, url);
  await context.close();
  return usableMs;
}

async function repeated(loads, measure) {
  const times = [];
  for (let index = 0; index < loads; index += 1) times.push(await measure());
  return times.sort((a, b) => a - b);
}

function told(name, times) {
  const [fastest, median, slowest] = [times[0], times[Math.floor(times.length / 2)], times.at(-1)].map(Math.round);
  return `${name}: median ${median} ms of ${times.length} loads (${fastest} to ${slowest} ms)`;
}

async function main(url, loads) {
  const browser = await launch();
  try {
    console.log(told('cold', await repeated(loads, () => cold(browser, url))));
    const context = await browser.newContext();
    const open = await context.newPage();
    await open.goto(url);
    await open.locator(USABLE).first().waitFor({ timeout: SHOWN_MS });
    console.log(told('warm', await repeated(loads, () => load(context, url))));
  } finally {
    await browser.close();
  }
}

const [url, loads = LOADS] = argv.slice(2);
if (url == null || !(Number(loads) >= 1)) {
  console.error('usage: measure-load.mjs URL [LOADS]');
  exit(2);
}
await main(url, Number(loads));
