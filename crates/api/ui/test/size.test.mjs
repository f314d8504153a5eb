// What a browser loads before the page is usable.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url);
const LIMIT_BYTES = 100 * 1024;

it('script and style are at most 100 KiB, compressed', () => {
  const files = readdirSync(DIST).filter((name) => /\.(js|css)$/.test(name));
  assert.ok(files.includes('first.js') && files.includes('app.js') && files.includes('live.js') && files.includes('app.css'), files.join(', '));
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, DIST)), { level: 6 }).length, 0);
  assert.ok(bytes <= LIMIT_BYTES, `${bytes} bytes`);
});
