// Incidents in a real browser: a member of a real cluster is killed and comes back, and the page tells it as one story.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open, picture } from './browser.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const MEMBER = 'etcd-b';
const SHOWN_MS = 30_000;
/** The page reads again every 15 s, and an alert fires and is over some cycles after what it tells of. */
const TOLD_MS = 60_000;

describe('incidents', () => {
  let cluster, browser, page, faults;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster({ names: ['etcd-a', MEMBER, 'etcd-c'] });
    await cluster.start();
    browser = await launch();
    ({ page, faults } = await open(browser, cluster.url));
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop(failed);
  });

  const at = (path) => `${cluster.url}${path}`;
  const shown = (locator, timeout = SHOWN_MS) => locator.waitFor({ state: 'visible', timeout });
  const query = () => new URL(page.url()).searchParams;
  const line = (over) => page.locator(`[data-testid="incident"][data-over="${over}"]`);
  const asked = async (path) => (await fetch(at(path))).json();

  it('say that there is none, and when one begins', async () => {
    await shown(page.getByTestId('verdict'));
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await shown(page.getByTestId('no-incidents'));
    assert.match(await page.getByTestId('no-incidents').textContent(), /No incident is known.*first alert that fires/);
    assert.equal(query().get('view'), 'incidents');
    await hasNoBarrier(page, 'no incident');
  });

  it('appear while they go on, with the sentence of their worst alert', async () => {
    await cluster.kill(MEMBER);
    await shown(line(false), TOLD_MS);
    const { incidents } = await asked('api/v1/incidents');
    const [going] = incidents.filter((incident) => incident.ended_at == null);
    const text = await line(false).textContent();
    assert.ok(text.includes(going.sentence), text);
    assert.match(text, /goes on for \d+ (s|min)/);
  });

  it('are reached from the verdict and from an alert', async () => {
    await page.goto(at('?cluster=default'));
    await page.getByTestId('verdict-incident').click();
    await shown(page.getByTestId('incident-sentence'));
    assert.equal(query().get('view'), 'incident');
    await page.goto(at('?view=alerts'));
    await page.getByTestId('alert').getByRole('link', { name: 'incident', exact: true }).first().click();
    await shown(page.getByTestId('incident-sentence'));
    assert.equal(query().get('view'), 'incident');
  });

  it('tell what happened in order, with charts of that time', async () => {
    const events = page.getByTestId('incident-events');
    await shown(events.getByText(new RegExp(`MemberDown of ${MEMBER} fired`)));
    const times = await events.locator('time').evaluateAll((list) => list.map((time) => Date.parse(time.dateTime)));
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    await shown(page.getByTestId('incident-charts').getByTestId('chart-read').locator('canvas'));
    await shown(page.getByText('it goes on'));
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      await hasNoBarrier(page, `an incident in ${colorScheme}`);
    }
  });

  it('are over when the member is back, at the same address', async () => {
    const id = query().get('id');
    cluster.startMember(MEMBER);
    await page.getByText('it goes on').waitFor({ state: 'detached', timeout: TOLD_MS });
    await shown(page.getByTestId('incident-events').getByText(new RegExp(`MemberDown of ${MEMBER} is over`)));
    assert.equal(query().get('id'), id);
    assert.notEqual((await asked(`api/v1/incidents/${id}`)).ended_at, null);
    await picture(page, 'incident');
    await page.goto(at('?view=incidents'));
    await shown(line(true));
    assert.match(await line(true).textContent(), /lasted \d+ (s|min), ended/);
  });

  it('open by their address on a phone', async () => {
    const [{ id }] = (await asked('api/v1/incidents')).incidents;
    for (const path of [`?view=incident&id=${id}`, '?view=incidents']) {
      const phone = await open(browser, at(''), { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
      await phone.page.goto(at(path));
      await shown(phone.page.locator('[data-testid=incident-view][data-state=known], [data-testid=incident]').first());
      await fitsItsWindow(phone.page, path);
      await hasNoBarrier(phone.page, path);
      assert.deepEqual(phone.faults, []);
    }
  });

  it('have asked no other host and met no error', () => {
    assert.deepEqual(faults, []);
  });

  it('that are not known are said to be so', async () => {
    await page.goto(at('?view=incident&id=00000000000000aa'));
    await shown(page.getByText('This incident is not known'));
    await page.goto(at('?view=incidents&alert=00000000000000aa'));
    await shown(page.getByTestId('no-incident-of-alert'));
    failed = false;
  });
});
