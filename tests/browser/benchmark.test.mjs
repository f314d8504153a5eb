// Benchmarks in a real browser, on a real cluster: started, followed, cancelled, kept, refused.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fitsItsWindow, hasNoBarrier } from './axe.mjs';
import { launch, open, picture } from './browser.mjs';
import { until } from './processes.mjs';
import { WatchedCluster } from './watched-cluster.mjs';

const SHOWN_MS = 30_000;

describe('benchmarks', () => {
  let cluster, browser, page, faults;
  let failed = true;

  before(async () => {
    cluster = new WatchedCluster({ names: ['m1'] });
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
  const dialog = () => page.getByTestId('benchmark-dialog');
  const view = (state) => page.locator(`[data-testid="benchmark-view"][data-state="${state}"]`);
  const inBoth = async (what) => {
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor();
      await hasNoBarrier(page, `${what} in ${colorScheme}`);
    }
  };
  const startOne = async (numbers) => {
    await page.getByTestId('start-benchmark').click();
    await shown(dialog());
    await dialog().getByLabel('write', { exact: true }).check({ force: true });
    for (const [label, value] of Object.entries(numbers)) await dialog().getByLabel(label, { exact: true }).fill(String(value));
    await dialog().getByRole('button', { name: 'Start', exact: true }).click();
  };

  it('are reached by keyboard and from the cluster, and say that there is none', async () => {
    await shown(page.getByTestId('verdict'));
    await page.keyboard.press('g');
    await page.keyboard.press('b');
    await shown(page.getByTestId('no-benchmarks'));
    assert.equal(query().get('view'), 'benchmarks');
    await page.goto(at('?cluster=default'));
    await page.getByRole('link', { name: 'Benchmarks of this cluster' }).click();
    await shown(page.getByTestId('no-benchmarks'));
    assert.equal(query().get('cluster'), 'default');
    await inBoth('no benchmark');
  });

  it('are started by a form that says what they cost and what is too much', async () => {
    await page.getByTestId('start-benchmark').click();
    await shown(dialog());
    assert.match(await dialog().textContent(), /what they read and write takes longer meanwhile.*80 % of its quota/s);
    const cost = page.getByTestId('benchmark-cost');
    const before = await cost.textContent();
    await dialog().getByLabel('write', { exact: true }).check({ force: true });
    assert.notEqual(await cost.textContent(), before);
    await inBoth('the form');
    // Within each limit, and too long all the same.
    await dialog().getByLabel('Requests per second at most', { exact: true }).fill('10');
    await dialog().getByRole('button', { name: 'Start', exact: true }).click();
    await shown(dialog().getByText(/30 s is the limit/));
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  it('are followed while they go, and cancelled', async () => {
    await startOne({ Requests: 10000, 'Requests per second at most': 400 });
    await shown(view('running'));
    await shown(page.getByTestId('benchmark-progress').getByText(/^\d.* of 10\u202f000 requests/));
    await shown(page.getByTestId('no-report'));
    await hasNoBarrier(page, 'progress');
    const [{ url }] = (await (await fetch(at('api/v1/performance/benchmark'))).json()).benchmarks;
    const second = await fetch(at('api/v1/performance/benchmark'), {
      ...{ method: 'POST', body: '{"benchmark_type": "read"}', headers: { 'content-type': 'application/json' } },
    });
    assert.equal((await second.json()).benchmark, url);
    await page.getByTestId('cancel-benchmark').click();
    await shown(view('cancelled'));
    assert.match(await page.getByTestId('benchmark-sentence').textContent(), /^Cancelled: Somebody cancelled it/);
    await shown(page.getByTestId('benchmark-report'));
  });

  it('end with a report', async () => {
    await page.goto(at('?view=benchmarks&cluster=default'));
    await startOne({ Requests: 500, 'Requests per second at most': 500 });
    await shown(view('finished'));
    assert.match(await page.getByTestId('benchmark-sentence').textContent(), /\/s answered, 99 % within/);
    assert.match(await page.getByTestId('throughput').textContent(), /\d \/s/);
    assert.match(await page.getByTestId('quantiles').textContent(), /put.*500/);
    assert.equal(await page.getByTestId('histogram').getByRole('listitem').count(), 7);
    assert.match(await page.getByTestId('accounting').textContent(), /Nothing that was acknowledged is lost/);
    await shown(page.getByTestId('bottleneck'));
    await inBoth('report');
    await picture(page, 'benchmark');
  });

  it('are listed, also on a phone', async () => {
    await page.goto(at('?view=benchmarks'));
    const lines = page.getByTestId('benchmark');
    await shown(lines.first());
    assert.deepEqual(await lines.evaluateAll((all) => all.map((one) => one.dataset.state)), ['finished', 'cancelled']);
    await inBoth('list');
    await lines.first().getByRole('link').first().click();
    await shown(view('finished'));
    const path = `?view=benchmark&id=${query().get('id')}`;
    for (const each of [path, '?view=benchmarks']) {
      const phone = await open(browser, at(''), { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
      await phone.page.goto(at(each));
      await shown(phone.page.locator('[data-testid=benchmark-view][data-state=finished], [data-testid=benchmark]').first());
      await fitsItsWindow(phone.page, each);
      await hasNoBarrier(phone.page, each);
      assert.deepEqual(phone.faults, []);
    }
  });

  it('have asked no other host and met no error but the refusal', () => {
    const unexpected = faults.filter((fault) => !fault.includes('422'));
    assert.deepEqual(unexpected, []);
  });

  it('that are not kept, and clusters in trouble, are said to be so', async () => {
    await page.goto(at('?view=benchmark&id=nothing'));
    await shown(page.getByText('This benchmark is not kept'));
    await cluster.kill('m1');
    await page.goto(at('?view=benchmarks&cluster=default'));
    await until('something is critical', 60, async () => {
      const { findings } = await (await fetch(at('api/v1/findings'))).json();
      return findings.some(({ status, severity }) => status === 'true' && severity === 'critical');
    });
    await startOne({});
    await shown(dialog().getByText(/No benchmark may begin now\. .* is critical/));
    failed = false;
  });
});
