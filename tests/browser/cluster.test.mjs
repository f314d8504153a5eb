// The page of a cluster in a real browser: charts from the history, the time line, and the links between members.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open, picture } from './browser.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const MEMBERS = ['m1', 'm2', 'm3'];
const SHOWN_MS = 20_000;
/** A link is failing when beats are missing for some cycles. */
const LINK_MS = 60_000;
const CHARTS = ['read', 'write', 'rate', 'database', 'fsync', 'commit', 'lag', 'watchers', 'clients'];

describe('the page of a cluster', () => {
  let cluster, browser, page, faults;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster();
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
  });

  const chart = (id) => page.getByTestId(`chart-${id}`);
  const points = async (id) => Number(await chart(id).getAttribute('data-points'));
  const address = () => new URL(page.url()).searchParams;
  const link = (from, to) => page.getByTestId(`link-${from}-${to}`);

  /** Scrolls to a chart, and waits until it has `count` points. */
  const drawn = async (id, count) => {
    await chart(id).scrollIntoViewIfNeeded();
    await page.waitForFunction(
      ([name, least]) => Number(document.querySelector(`[data-testid=chart-${name}]`).dataset.points) >= least,
      [id, count],
      { timeout: SHOWN_MS },
    );
  };

  /** Drags over the newer half of a chart, up to now. */
  const drag = async (id) => {
    const box = await chart(id).locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 40, { steps: 4 });
    await page.mouse.up();
  };

  it('has every chart, and says of an empty one why it is', async () => {
    for (const id of CHARTS) {
      await chart(id).scrollIntoViewIfNeeded();
      await page.locator(`[data-testid=chart-${id}][data-state=shown]`).waitFor({ timeout: SHOWN_MS });
      const hasLines = (await points(id)) > 0;
      assert.ok(hasLines || /Nothing to draw: \w+/.test(await chart(id).textContent()), id);
    }
  });

  it('draws after a reload what was measured before it', async () => {
    await drawn('rate', 4);
    const before = await points('rate');
    const loaded = page.waitForResponse((response) => response.url().includes('metric=requests_per_second'));
    await page.reload();
    await loaded;
    await drawn('rate', before);
    const names = await chart('rate').locator('[data-member]').evaluateAll((entries) => entries.map((entry) => entry.dataset.member));
    assert.deepEqual(names, MEMBERS);
  });

  it('goes on live without asking again', async () => {
    const before = await points('rate');
    let asked = 0;
    const count = (request) => (asked += request.url().includes('metric=requests_per_second') ? 1 : 0);
    page.on('request', count);
    await drawn('rate', before + 2);
    page.off('request', count);
    assert.equal(asked, 0);
  });

  it('zooms by dragging, keeps the range in the address, and goes back by a double click', async () => {
    await drag('rate');
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.getByTestId('fixed-range').waitFor();
    const [from, to] = [Number(address().get('from')), Number(address().get('to'))];
    assert.ok(to > from && to - from < 3600, `${from} to ${to}`);
    await page.reload();
    await page.getByTestId('fixed-range').waitFor();
    await drawn('rate', 1);
    await chart('rate').locator('.chart-area').dblclick();
    await page.waitForURL((url) => !url.searchParams.has('from'));
    await page.getByTestId('toolbar').getByText('6h', { exact: true }).click();
    await page.waitForURL(/range=6h/);
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has('range'));
  });

  it('shows the same moment on every chart', async () => {
    await drawn('rate', 2);
    await chart('rate').locator('.u-over').hover();
    for (const id of ['rate', 'read']) assert.match(await chart(id).locator('figcaption').textContent(), /\d\d:\d\d:\d\d/);
  });

  it('shows only the members that were picked', async () => {
    const m2 = page.getByTestId('toolbar').getByRole('button', { name: 'm2' });
    await m2.click();
    await chart('rate').locator('[data-member=m1]').waitFor({ state: 'detached' });
    await m2.click();
    await chart('rate').locator('[data-member=m1]').waitFor();
  });

  it('shows every link of a healthy cluster', async () => {
    await page.locator('[data-testid^=link-][data-state=well]').nth(5).waitFor({ timeout: LINK_MS });
    assert.equal(await page.locator('[data-testid^=link-]').count(), 6);
  });

  it('tells of certificates and versions when they are scrolled to', async () => {
    const certificates = page.getByTestId('certificates');
    const versions = page.getByTestId('versions');
    await certificates.scrollIntoViewIfNeeded();
    await page.locator('[data-testid=certificates][data-state=known]').waitFor({ timeout: SHOWN_MS });
    assert.match(await certificates.getByTestId('without-tls').textContent(), /speaks without TLS/);
    await versions.getByTestId('version').nth(2).waitFor({ timeout: SHOWN_MS });
    assert.match(await versions.textContent(), /acts as 3\.7\..*all members run the same version/);
    for (const name of MEMBERS) assert.match(await versions.getByTestId('version').filter({ hasText: name }).textContent(), /3\.7\.3.*(defect)/);
    await page.evaluate(() => scrollTo(0, 0));
  });

  it('has no known barrier, in light and in dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      await hasNoBarrier(page, colorScheme);
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  });

  it('shows the links of a killed leader, and its successor on the time line', async () => {
    const victim = await page.getByTestId('leader-name').textContent();
    const others = MEMBERS.filter((name) => name !== victim);
    await cluster.kill(victim);
    await link(victim, others[0]).and(page.locator('[data-state^=failing]')).waitFor({ timeout: LINK_MS });
    // Receivers stand in the order of their ids, which are new in every run.
    await page.getByTestId('troubled-links').getByText(new RegExp(`${victim} → .*${others[0]}`)).waitFor();
    const bands = page.getByTestId('time-line').locator('[data-kind=leader][data-leader]');
    await bands.nth(1).waitFor({ timeout: SHOWN_MS });
    const leaders = await bands.evaluateAll((list) => list.map((band) => band.dataset.leader));
    assert.equal(leaders[0], victim);
    assert.ok(others.includes(leaders.at(-1)), `leaders ${leaders}`);
    await page.getByTestId('time-line').locator('[data-kind=warning], [data-kind=critical]').first().waitFor();
    await hasNoBarrier(page, 'a killed leader');
    await page.getByTestId('verdict-acknowledge').click();
    await page.getByTestId('acknowledge-dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('acknowledge-dialog').waitFor({ state: 'detached' });
    await page.getByTestId('links').scrollIntoViewIfNeeded();
    await picture(page, 'leader-killed');
  });

  it('fits a phone', async () => {
    const phone = await open(browser, cluster.url, { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
    await phone.page.getByTestId('chart-read').scrollIntoViewIfNeeded();
    await phone.page.locator('[data-testid=chart-read][data-state=shown]').waitFor();
    await fitsItsWindow(phone.page, 'a phone');
    await hasNoBarrier(phone.page, 'a phone');
    assert.deepEqual(phone.faults, []);
  });

  it('has asked no other host and met no error', () => {
    assert.deepEqual(faults, []);
    failed = false;
  });
});
