// A bad night: of three clusters one is well, one has lost a member, and one does not answer. The pictures of the
// documentation are of this.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, open, picture } from './browser.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const HURT = 'prod-eu';
const WELL = 'prod-us';
const GONE = 'staging';
const MEMBER = 'etcd-2';
/** Few lines take a low window, charts a high one. */
const WIDE = { width: 1400, height: 560 };
const HIGH = { width: 1400, height: 1000 };
const TOLD_MS = 60_000;

describe('a bad night', () => {
  let well, hurt, browser, page, faults;
  let failed = true;

  before(async () => {
    well = new WatchedCluster({ names: ['etcd-1'] });
    // Two clusters of one process take two networks.
    well.network = well.network.replace(/^127\.(\d+)/, (_, octet) => `127.${octet - 99}`);
    await well.startMembers();
    const beside = [{ name: WELL, endpoints: [new URL(well.client('etcd-1')).host] }];
    hurt = new WatchedCluster({ name: HURT, names: ['etcd-1', MEMBER, 'etcd-3'], unreachable: [GONE], beside });
    await hurt.start();
    browser = await launch();
    ({ page, faults } = await open(browser, hurt.url));
  });

  after(async () => {
    await browser?.close();
    await hurt?.stop(failed);
    await well?.stop(false);
  });

  const at = (path) => `${hurt.url}${path}`;
  const row = (state) => page.locator(`[data-testid="fleet-row"][data-state="${state}"]`);
  const shown = (locator) => locator.waitFor({ state: 'visible', timeout: TOLD_MS });

  it('has the clusters that are not well first', async () => {
    await shown(row('healthy').filter({ hasText: HURT }));
    await hurt.kill(MEMBER);
    // Critical, since no other of its three members may fail now.
    for (const name of [HURT, GONE]) await shown(row('critical').filter({ hasText: name }));
    const names = await page.getByTestId('fleet-row').evaluateAll((rows) => rows.map((one) => one.dataset.cluster));
    assert.equal(names.at(-1), WELL);
    assert.match(await page.getByTestId('fleet-counts').textContent(), /2 critical.*1 healthy/);
  });

  it('has alerts of each cluster that is not well', async () => {
    await page.goto(at('?view=alerts'));
    for (const [name, rule] of [[HURT, 'MemberDown'], [GONE, 'ClusterUnreachable']]) {
      const alert = page.getByLabel(`Alerts of ${name}`).locator(`[data-testid="alert"][data-rule="${rule}"]`);
      await shown(alert.getByTestId('acknowledge'));
    }
    assert.equal(await page.getByLabel(`Alerts of ${WELL}`).count(), 0);
    await page.setViewportSize(WIDE);
    await picture(page, 'alerts');
    await page.goto(at(''));
    await shown(row('critical').filter({ hasText: HURT }));
    await shown(page.getByTestId('alert-count').filter({ hasText: '2' }));
    await picture(page, 'fleet');
    await page.setViewportSize(HIGH);
  });

  it('is an incident of each of them, with its own events', async () => {
    await page.goto(at(`?view=incidents&cluster=${HURT}`));
    await shown(page.getByTestId('incident').first());
    assert.equal(await page.getByTestId('incident').count(), 1);
    hurt.startMember(MEMBER);
    await page.getByTestId('incident').getByRole('link').first().click();
    const events = page.getByTestId('incident-events');
    await shown(events.getByText(new RegExp(`MemberDown of ${MEMBER} is over`)));
    assert.equal(await events.getByText('ClusterUnreachable').count(), 0);
    await shown(page.getByTestId('incident-charts').getByTestId('chart-read').locator('canvas'));
    await picture(page, 'incident');
  });

  it('is shown without an error', () => {
    assert.deepEqual(faults, []);
    failed = false;
  });
});
