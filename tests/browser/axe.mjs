// Known barriers of a page, found by axe.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Fails with what axe finds on the page as it is. */
export async function hasNoBarrier(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html).join(' | ')}`);
  assert.deepEqual(found, [], what);
}

/** Fails where the page is wider than its window. */
export async function fitsItsWindow(page, what) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${what} scrolls sideways`);
}
