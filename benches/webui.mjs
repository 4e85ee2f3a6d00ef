#!/usr/bin/env node
// How long it takes from navigating to a page of the web UI until its last chart is drawn, in Debian's chromium:
//
//   node benches/webui.mjs --url http://127.0.0.1:5600 [--standard HOST] [--date 2026-06-10] [--rounds 20]
//
// The server must have data, such as those of `timberline fake --days 365`. "first" is a browser without any cache, and for the
// first line also a server that was just started, if you have just started it; "warm" is the same page again. Pages of
// Timberline's own web UI set the mark `timberline:ready` when all their charts are drawn. With --standard HOST the standard web
// UI at `/` is measured, which has no such mark: the time is then that of the last answer from the server, so without drawing.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../webui/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:5600' },
    date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
    rounds: { type: 'string', default: '20' },
    standard: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const RANGES = ['day', 'week', 'month', 'year'];
/** How long nothing may arrive until a page without a mark counts as complete. */
const QUIET = 1_000;
const MOST = 60_000;

const own = (range) => `${values.url}/timberline/#/activity?range=${range}&date=${values.date}`;
const standard = (range) => `${values.url}/#/activity/${values.standard}/${range}/${values.date}/view/summary`;
const address = values.standard === undefined ? own : standard;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  console.log(`${values.url}, ${values.date}, ${rounds} rounds; milliseconds`);
  for (const range of RANGES) await measure(range);
} finally {
  await browser.close();
}

async function measure(range) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const traffic = count(page);
  const first = await navigate(page, address(range), traffic);
  const { requests, bytes } = { ...traffic };
  const warm = [];
  for (let round = 0; round < rounds; round += 1) warm.push(await navigate(page, address(range), traffic));
  await context.close();
  warm.sort((a, b) => a - b);
  const at = (share) => warm[Math.min(warm.length - 1, Math.floor(warm.length * share))].toFixed(0);
  console.log(
    `${range.padEnd(6)} first ${first.toFixed(0).padStart(6)}   warm p50 ${at(0.5).padStart(6)} p95 ${at(0.95).padStart(6)}` +
      `   first page: ${requests} requests, ${(bytes / 1024).toFixed(0)} KiB`,
  );
}

/** Loads the page anew: the same address with another hash would not. */
async function navigate(page, url, traffic) {
  await page.goto('about:blank');
  await page.goto(url, { waitUntil: 'commit' });
  if (values.standard === undefined) {
    const mark = () => performance.getEntriesByName('timberline:ready').at(0)?.startTime;
    const ready = await page.waitForFunction(mark, undefined, { timeout: MOST, polling: 'raf' });
    return ready.jsonValue();
  }
  for (traffic.last = Date.now(); Date.now() - traffic.last < QUIET; ) await page.waitForTimeout(50);
  return page.evaluate(() => Math.max(...performance.getEntriesByType('resource').map((entry) => entry.responseEnd)));
}

/** Counts what is requested, and notes when the last answer came. */
function count(page) {
  const traffic = { requests: 0, bytes: 0, last: Date.now() };
  page.on('requestfinished', async (request) => {
    traffic.last = Date.now();
    traffic.requests += 1;
    const sizes = await request.sizes().catch(() => null);
    traffic.bytes += (sizes?.responseBodySize ?? 0) + (sizes?.responseHeadersSize ?? 0);
  });
  return traffic;
}
