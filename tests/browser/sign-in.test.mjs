// A daemon that wants to know who asks: sign-in, what a role may not do, and sign-out.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open } from './browser.mjs';
import { WatchedCluster, newToken } from './watched-cluster.mjs';

const SHOWN_MS = 30_000;
const GONE = 'gone';

describe('sign-in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-monitor-sign-in-'));
  const webConfiguration = join(folder, 'web.yml');
  let cluster, browser, page, faults, operator, viewer;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster({ names: [], unreachable: [GONE, 'lost'], flags: ['--web-config-file', webConfiguration] });
    [operator, viewer] = ['operator', 'viewer'].map((role) => newToken(cluster.daemon, `page-${role}`, role));
    const tokens = [operator, viewer].map(({ name, role, hash }) => ({ name, role, hash }));
    writeFileSync(webConfiguration, JSON.stringify({ tokens }), { mode: 0o600 });
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
    rmSync(folder, { recursive: true, force: true });
  });

  const shown = (locator, timeout = SHOWN_MS) => locator.waitFor({ state: 'visible', timeout });
  const card = () => page.getByTestId('sign-in');
  const signIn = async (secret) => {
    await card().getByLabel('Token or password').fill(secret);
    await page.keyboard.press('Enter');
  };
  const stored = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));

  it('asks strangers who they are, and shows them nothing', async () => {
    await shown(card());
    assert.equal((await page.locator('body').textContent()).includes(GONE), false);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'secret');
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      await hasNoBarrier(page, colorScheme);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await fitsItsWindow(page, 'the card');
    await page.setViewportSize({ width: 1400, height: 1000 });
  });

  it('says so when the token is wrong', async () => {
    await signIn('nonsense');
    await shown(page.getByTestId('sign-in-problem').filter({ hasText: 'does not know this' }));
  });

  it('lets a viewer read, and says why the rest is not allowed', async () => {
    await signIn(viewer.token);
    await shown(page.getByTestId('fleet-row').filter({ hasText: GONE }));
    assert.match(await page.getByTestId('who').textContent(), /viewer/);
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    const button = page.getByLabel(`Alerts of ${GONE}`).getByTestId('acknowledge');
    await shown(button);
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    assert.match(await button.getAttribute('title'), /takes the role operator; yours is viewer/);
  });

  it('keeps no token where a script could find it', async () => {
    for (const { token } of [viewer, operator]) assert.equal((await stored()).includes(token), false);
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
    assert.equal(cookie.value.includes(viewer.token), false);
  });

  it('signs out, in every page', async () => {
    const other = await page.context().newPage();
    await other.goto(cluster.url);
    await shown(other.getByTestId('who'));
    await page.getByTestId('who').getByRole('button', { name: 'Sign out' }).click();
    await shown(card());
    await other.reload();
    await shown(other.getByTestId('sign-in'));
    await other.close();
  });

  it('lets an operator decide under the name of the token', async () => {
    await signIn(operator.token);
    const alert = page.getByLabel(`Alerts of ${GONE}`).getByTestId('alert');
    await alert.getByTestId('acknowledge').click();
    const dialog = page.getByTestId('acknowledge-dialog');
    assert.equal(await dialog.getByLabel('Your name').count(), 0);
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await shown(alert.getByTestId('acknowledged').filter({ hasText: operator.name }));
  });

  it('has asked no other host and met no error beyond the refusals', () => {
    assert.deepEqual(faults.filter((fault) => !/status of 401/.test(fault)), []);
    failed = false;
  });
});
