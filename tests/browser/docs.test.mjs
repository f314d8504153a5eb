// The page that describes the API: read by keyboard, in both colour schemes, on a phone, without the Internet.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open, picture } from './browser.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

describe('the page of the API', () => {
  let cluster, browser, page, faults;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster({ names: [], unreachable: ['gone'] });
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
    await page.goto(`${cluster.url}api/docs`);
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
  });

  const route = (path) => page.locator('details', { has: page.locator('summary').getByText(path, { exact: true }) }).first();

  it('opens a route by keyboard, and leads to its schema', async () => {
    const status = route('/api/v1/cluster/status');
    await status.locator('summary').focus();
    await page.keyboard.press('Enter');
    await status.getByRole('heading', { name: 'Answers' }).waitFor();
    await picture(page, 'api');
    await status.getByRole('link', { name: 'Status' }).focus();
    await page.keyboard.press('Enter');
    assert.equal(new URL(page.url()).hash, '#schema-Status');
    assert.equal(await page.locator('#schema-Status').evaluate((it) => it.getBoundingClientRect().top < innerHeight), true);
  });

  it('opens the route that an address names', async () => {
    await page.goto(`${cluster.url}api/docs#route-post_silences`);
    await route('/api/v1/silences').waitFor();
    await page.locator('#route-post_silences').waitFor({ state: 'visible' });
  });

  it('has no barrier in either colour scheme, all routes open', async () => {
    await page.evaluate(() => document.querySelectorAll('details').forEach((it) => it.setAttribute('open', '')));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await hasNoBarrier(page, colorScheme);
    }
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await fitsItsWindow(page, 'the page of the API');
  });

  it('has asked no other host and met no error', () => {
    assert.deepEqual(faults, []);
    failed = false;
  });
});
