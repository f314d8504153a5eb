// Several clusters: the fleet, its alerts, and many pages at once. The real daemon watches a real cluster and two that
// do not exist, with names that would do harm as markup.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open } from './browser.mjs';
import { until } from './processes.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const MEMBER = '<b>m1</b>';
const HOSTILE = '<img src=x onerror=document.body.remove()>';
const GONE = 'gone';
const SHOWN_MS = 30_000;
const TABS = 10;
/** Connections that a browser opens to one host over HTTP/1.1. */
const CONNECTIONS_MAX = 6;

describe('fleet', () => {
  let cluster, browser, page, faults, context;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster({ names: [MEMBER], unreachable: [GONE, HOSTILE] });
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
    context = page.context();
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
  });

  const shown = (locator, timeout = SHOWN_MS) => locator.waitFor({ state: 'visible', timeout });
  const row = (name, state = '') => page.locator(`[data-testid="fleet-row"]${state && `[data-state="${state}"]`}`).filter({ hasText: name });
  const query = () => new URL(page.url()).search;
  const at = (path) => `${cluster.url}${path}`;
  const alertOf = (name) => page.getByLabel(`Alerts of ${name}`).getByTestId('alert');

  it('is the start page with several clusters: worst first, counted, in one sentence', async () => {
    await shown(row('prod', 'healthy'));
    await shown(row(GONE, 'critical'));
    const names = await page.getByTestId('fleet-row').evaluateAll((rows) => rows.map((one) => one.dataset.cluster));
    assert.deepEqual(names.at(-1), 'prod');
    assert.match(await page.getByTestId('fleet-summary').textContent(), /2 of 3 clusters are critical/);
    assert.match(await page.getByTestId('fleet-counts').textContent(), /2 critical.*1 healthy/);
    assert.match(await row('prod').textContent(), /1 \/ 1/);
  });

  it('shows names as text, whatever is in them', async () => {
    await shown(row(HOSTILE));
    assert.equal(await page.locator('main img, main b:has-text("m1")').count(), 0);
    await page.goto(at('?cluster=prod'));
    await shown(page.getByText(MEMBER, { exact: true }).first());
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('b')].some((bold) => bold.textContent === 'm1')), false);
    await page.goto(at(''));
  });

  it('can be searched and used by keyboard; back and forward work', async () => {
    await shown(row(GONE));
    await page.keyboard.press('/');
    await page.keyboard.type(GONE);
    await row('prod').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await shown(row('prod'));
    await page.keyboard.press('/');
    await page.keyboard.press('ArrowDown');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End']) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    await shown(page.getByTestId('member-' + MEMBER));
    assert.equal(query(), '?cluster=prod');
    await page.goBack();
    await shown(row('prod'));
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await shown(page.getByTestId('alerts-page'));
    await page.keyboard.press('?');
    await shown(page.getByTestId('help'));
    await page.keyboard.press('Escape');
    await page.getByTestId('help').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await shown(row('prod'));
    assert.equal(query(), '?view=fleet');
  });

  it('keeps the order in the address', async () => {
    await page.getByRole('link', { name: 'name', exact: true }).click();
    assert.equal(query(), '?view=fleet&sort=name');
    const names = await page.getByTestId('fleet-row').evaluateAll((rows) => rows.map((one) => one.dataset.cluster));
    assert.deepEqual(names, [HOSTILE, GONE, 'prod']);
  });

  it('takes an alert in hand', async () => {
    await page.goto(at('?view=alerts'));
    // What is only pending is told to nobody yet: there is nothing to take in hand.
    await shown(alertOf(GONE).getByTestId('acknowledge'));
    await alertOf(GONE).getByTestId('acknowledge').click();
    const dialog = page.getByTestId('acknowledge-dialog');
    await dialog.getByLabel('Your name').fill('ana');
    await dialog.getByLabel('Comment').fill('starting it <i>again</i>');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await dialog.waitFor({ state: 'detached' });
    await shown(alertOf(GONE).getByTestId('acknowledged').filter({ hasText: 'ana' }));
    assert.match(await alertOf(GONE).textContent(), /starting it <i>again<\/i>/);
    await alertOf(GONE).getByTestId('take-back').click();
    await alertOf(GONE).getByTestId('acknowledged').waitFor({ state: 'detached', timeout: SHOWN_MS });
  });

  it('adds a silence with the conditions of an alert, shows what is refused, and expires it', async () => {
    await alertOf(GONE).getByTestId('silence').click();
    const dialog = page.getByTestId('silence-dialog');
    const conditions = dialog.getByLabel('Conditions');
    assert.equal(await conditions.inputValue(), 'cluster="gone"\nrule="ClusterUnreachable"');
    await conditions.fill('no condition');
    await dialog.getByLabel('Your name').fill('ana');
    await dialog.getByLabel('Comment').fill('it is being moved');
    await dialog.getByLabel('4 h').check();
    await dialog.getByRole('button', { name: 'Add silence' }).click();
    await shown(dialog.getByTestId('form-problem').filter({ hasText: 'has no operator' }));
    await conditions.fill('cluster="gone"');
    await dialog.getByRole('button', { name: 'Add silence' }).click();
    await dialog.waitFor({ state: 'detached' });
    await shown(alertOf(GONE).getByTestId('muted'));
    await page.getByRole('link', { name: 'Silences' }).click();
    const silence = page.getByTestId('silence').filter({ hasText: 'it is being moved' });
    await shown(silence.filter({ hasText: '3 h left' }));
    await silence.getByTestId('expire').click();
    await page.getByTestId('expire-dialog').getByRole('button', { name: 'Expire now' }).click();
    await page.locator('[data-testid="silence"][data-state="active"]').waitFor({ state: 'detached' });
  });

  it('keeps a history of all of that', async () => {
    await page.getByRole('link', { name: 'History' }).click();
    const history = page.getByTestId('alerts-history');
    await shown(history.getByText(/ClusterUnreachable of gone fired/).first());
    await shown(history.getByText(/ClusterUnreachable of gone was acknowledged/).first());
  });

  it('has an address for each alert', async () => {
    const { alerts } = await (await fetch(at('api/v1/alerts'))).json();
    const { id } = alerts.find((alert) => alert.cluster === GONE);
    await page.goto(at(`?view=alerts&alert=${id}`));
    await shown(page.locator('[data-testid="alert"][data-pointed="true"]').filter({ hasText: GONE }));
    await page.goto(at('?view=alerts&alert=00000000000000aa'));
    await shown(page.getByTestId('alert-gone'));
  });

  for (const colorScheme of ['light', 'dark']) {
    it(`has no known barrier and fits a phone: ${colorScheme}`, async () => {
      const views = { 'fleet-table': '', 'alert-groups': '?view=alerts', 'alerts-history': '?view=alerts&tab=history', silences: '?view=alerts&tab=silences', verdict: '?cluster=gone' };
      for (const [testId, path] of Object.entries(views)) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width: 1400, height: 1000 });
        await page.goto(at(path));
        await shown(page.getByTestId(testId));
        await hasNoBarrier(page, `${path} in ${colorScheme}`);
        await page.setViewportSize({ width: 360, height: 740 });
        await fitsItsWindow(page, `${path} in ${colorScheme}`);
      }
      await page.setViewportSize({ width: 1400, height: 1000 });
    });
  }

  it('is usable at once', async (t) => {
    const fresh = await browser.newContext();
    const first = await fresh.newPage();
    await first.addInitScript(() => {
      new MutationObserver(() => {
        if (document.querySelector('[data-testid="fleet-row"]') != null) globalThis.usableMs ??= performance.now();
      }).observe(document, { childList: true, subtree: true });
    });
    await first.goto(at(''));
    await shown(first.getByTestId('fleet-row').first());
    const usableMs = await first.evaluate(() => globalThis.usableMs);
    await fresh.close();
    t.diagnostic(`the fleet is usable ${Math.round(usableMs)} ms after the navigation`);
  });

  it('shares one stream among ten pages', async () => {
    await page.goto(at(''));
    const others = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()));
    const pages = [page, ...others];
    await Promise.all(others.map((other, index) => other.goto(at(['', '?cluster=prod', '?view=alerts'][index % 3]))));
    const live = (one) => one.waitForFunction(() => /^live/.test(document.querySelector('[data-testid=live]')?.textContent ?? ''));
    await Promise.all(pages.map(live));
    const cycles = () => Promise.all([1, 4, 7].map((index) => others[index].getByTestId('cycle').textContent()));
    const before = await cycles();
    await until('every page goes on', 20, async () => (await cycles()).every((cycle, index) => cycle !== before[index]));
    for (const one of pages) {
      const streams = await one.evaluate(() => performance.getEntriesByType('resource').filter((entry) => entry.name.includes('api/v1/events')).length);
      assert.equal(streams, 0, 'a page has a stream of its own');
    }
    const connections = connectionsTo(new URL(cluster.url).hostname);
    assert.ok(connections <= CONNECTIONS_MAX, `${connections} connections`);
    await Promise.all(others.map((other) => other.close()));
  });

  it('has asked no other host and met no error', () => {
    // The refused silence is an error of the console, and was meant to be one.
    assert.deepEqual(faults.filter((fault) => !/status of 400/.test(fault)), []);
  });

  it('says since when it is stale, and recovers', async () => {
    await page.goto(at(''));
    await shown(row('prod'));
    await cluster.kill('daemon');
    await shown(page.getByTestId('stale'));
    assert.match(await page.getByTestId('stale').textContent(), /No data since \d\d:\d\d:\d\d/);
    assert.equal(await page.getByTestId('main').getAttribute('data-stale'), 'true');
    cluster.startDaemon();
    await page.getByTestId('stale').waitFor({ state: 'detached', timeout: SHOWN_MS });
    await shown(row('prod', 'healthy'));
    failed = false;
  });
});

/** Connections to port 8080 of `host`, as the kernel counts them. */
function connectionsTo(host) {
  const address = host.split('.').reverse().map((byte) => Number(byte).toString(16).padStart(2, '0')).join('').toUpperCase();
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  const established = '01';
  return lines.filter(([, , remote, state]) => remote === `${address}:1F90` && state === established).length;
}
