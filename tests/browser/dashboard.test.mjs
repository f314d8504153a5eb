// The dashboard in a real browser, served by the real daemon that watches a real cluster.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hasNoBarrier } from './axe.mjs';
import { launch, open, picture } from './browser.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const MEMBERS = ['m1', 'm2', 'm3'];
/** What is promised between a member's death and its showing, at all defaults. */
const SHOWN_MS = 20_000;
const SIZE = /\d (KiB|MiB|GiB)/;

describe('dashboard', () => {
  let cluster, browser, page, faults;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster();
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
    // A reload would lose it.
    await page.evaluate(() => (globalThis.openedOnce = true));
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
  });

  const row = (name) => page.getByTestId(`member-${name}`);
  const inState = (name, state) => page.locator(`[data-testid="member-${name}"][data-state="${state}"]`);
  const verdict = (state) => page.locator(`[data-testid="verdict"][data-state="${state}"]`);
  const shown = (locator, timeout = SHOWN_MS) => locator.waitFor({ state: 'visible', timeout });

  it('shows a healthy cluster: members, leader, quorum and sizes', async () => {
    await shown(verdict('healthy'));
    for (const name of MEMBERS) {
      await shown(inState(name, 'healthy'));
      const text = await row(name).textContent();
      assert.match(text, /3\.7\.3/);
      assert.match(text, SIZE);
      assert.match(text, /leader|follower/);
    }
    const leader = await page.getByTestId('leader-name').textContent();
    assert.ok(MEMBERS.includes(leader), `leader ${leader}`);
    assert.match(await row(leader).textContent(), /leader/);
    assert.match(await page.getByTestId('quorum').textContent(), /3 \/ 3/);
    assert.match(await page.getByTestId('verdict').textContent(), /\d+ rules on 3 members, \d+ not evaluable/);
  });

  it('goes on without a reload and draws what it collects', async () => {
    const cycle = () => page.evaluate(() => document.querySelector('[data-testid=cycle]').textContent);
    const first = await cycle();
    await page.waitForFunction((old) => document.querySelector('[data-testid=cycle]').textContent !== old, first);
    assert.match(await page.getByTestId('live').textContent(), /^live/);
    for (const chart of ['read', 'database']) await shown(page.getByTestId(`chart-${chart}`).locator('canvas'));
    await picture(page, 'healthy');
  });

  it('can be used without a mouse and has no known barrier', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('m2');
    await row('m1').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await shown(row('m1'));
    await hasNoBarrier(page, 'a healthy cluster');
  });

  it('shows a killed leader as unknown where nothing is known, its alert, its successor and its return', async () => {
    const victim = await page.getByTestId('leader-name').textContent();
    const successors = MEMBERS.filter((name) => name !== victim);
    await cluster.kill(victim);
    await inState(victim, 'healthy').waitFor({ state: 'detached', timeout: SHOWN_MS });
    // A warning, or critical where no further failure is tolerated.
    await verdict('healthy').waitFor({ state: 'detached', timeout: SHOWN_MS });
    await shown(page.getByTestId('quorum').getByText('2 / 3'));
    await shown(page.getByTestId('leader-name').getByText(new RegExp(`^(${successors.join('|')})$`)));
    const size = row(victim).locator('[data-label="db / quota"]');
    assert.match(await size.textContent(), /not known/);
    const alert = page.getByTestId('active-alerts').getByTestId('alert-MemberDown');
    await shown(alert.filter({ hasText: 'firing' }));
    await picture(page, 'member-down');
    cluster.startMember(victim);
    await shown(inState(victim, 'healthy'));
    await shown(verdict('healthy'));
    await alert.waitFor({ state: 'detached', timeout: SHOWN_MS });
    await shown(page.getByTestId('alert-history').getByText(/MemberDown.*resolved/));
  });

  it('has asked no other host, met no error, and was never loaded again', async () => {
    assert.equal(await page.evaluate(() => globalThis.openedOnce), true);
    assert.deepEqual(faults, []);
  });

  it('fits a phone', async () => {
    const phone = await open(browser, cluster.url, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await phone.page.getByTestId('member-m1').waitFor();
    assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
    assert.deepEqual(phone.faults, []);
  });

  it('says so when the daemon is gone, and recovers', async () => {
    await cluster.kill('daemon');
    await shown(page.getByTestId('stale'), 30_000);
    assert.match(await page.getByTestId('stale').textContent(), /No data since \d\d:\d\d:\d\d/);
    assert.equal(await page.getByTestId('main').getAttribute('data-stale'), 'true');
    cluster.startDaemon();
    await page.getByTestId('stale').waitFor({ state: 'detached', timeout: 30_000 });
    failed = false;
  });
});
