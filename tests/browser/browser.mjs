// Chromium with a fresh profile, which notes everything that a page should not do.

import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];
// CI containers run as root and without a graphics card.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', ...QUIET];

/** Launches the browser of the machine: `CHROMIUM`, else the first one in PATH. */
export function launch() {
  return chromium.launch({ executablePath: executable(), args: ARGUMENTS });
}

/** Opens a page; `faults` collects errors, refused resources and requests to other hosts. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

/** Saves the page as it is for the documentation, when `SCREENSHOT_DIR` is set. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOT_DIR;
  if (folder == null) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((file) => existsSync(file));
  if (found == null) throw new Error('no Chromium in PATH: install one (Debian: apt-get install chromium), or set CHROMIUM');
  return found;
}
