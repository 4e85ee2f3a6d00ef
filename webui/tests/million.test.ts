import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { Server } from './server';

const BUCKET = 'many';
const COUNT = 1_000_000;
const BATCH = 20_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const MINUTES = 60_000;

let server: Server;
let browser: Browser;

/** Bursts and gaps, so that the time of a row cannot be computed from its number. */
function startOf(n: number): number {
  const day = Math.floor(n / 4000);
  return START + day * 24 * 60 * MINUTES + (n % 4000) * (day % 3 === 0 ? 100 : 15_000);
}

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
  await server.post(`/api/0/buckets/${BUCKET}`, { client: 'test', type: 'test', hostname: 'laptop' });
  for (let first = 0; first < COUNT; first += BATCH) {
    const events = Array.from({ length: BATCH }, (_, i) => ({
      timestamp: new Date(startOf(first + i)).toISOString(),
      duration: 0,
      data: { n: first + i },
    }));
    await server.post(`/api/0/buckets/${BUCKET}/events`, events);
  }
}, 180_000);

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** The numbers of the rows in sight, by their ARIA index: { index of the row in the list: n of its event }. */
async function seen(visitor: Visitor): Promise<Record<string, string>> {
  const found = await visitor.page.waitForFunction(() => {
    if (document.querySelector('[role=grid] .wait') !== null) return null;
    const rows = [...document.querySelectorAll('[role=grid] .rows [role=row]')];
    return Object.fromEntries(
      rows.map((row) => [
        String(Number(row.getAttribute('aria-rowindex')) - 2),
        row.lastElementChild?.textContent.trim() ?? '',
      ]),
    );
  });
  return (await found.jsonValue()) ?? {};
}

function middleOf(rows: Record<string, string>): number {
  const indices = Object.keys(rows);
  return Number(indices[Math.floor(indices.length / 2)]);
}

describe('a table of a million events', () => {
  it('shows the right rows wherever it is scrolled, as the API lists them', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(`/data/${BUCKET}`);
    await page.getByRole('row').nth(5).waitFor();
    const grid = page.getByRole('grid');
    expect(await grid.getAttribute('aria-rowcount')).toBe(String(COUNT + 1));
    for (const share of [0, 0.37, 0.9, 0.123, 1]) {
      await grid.evaluate((box, at) => (box.scrollTop = at * (box.scrollHeight - box.clientHeight)), share);
      // It takes a moment until it has scrolled; then the rows in sight are those of the place.
      await expect
        .poll(async () => Math.abs(middleOf(await seen(visitor)) / COUNT - share), { timeout: 30_000 })
        .toBeLessThan(0.01);
      const rows = Object.entries(await seen(visitor));
      expect(rows.length).toBeGreaterThan(10);
      // Newest first: the row i is the event COUNT - 1 - i.
      for (const [index, n] of rows) expect(n).toBe(String(COUNT - 1 - Number(index)));
      const middle = middleOf(Object.fromEntries(rows));
      // And what the API says of that moment.
      const end = new Date(startOf(COUNT - 1 - middle)).toISOString();
      const count = await server.get<number>(`/api/0/buckets/${BUCKET}/events/count?end=${end}`);
      expect(count).toBe(COUNT - middle);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('reads on row by row with wheel and keys, and goes to a date', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(`/data/${BUCKET}`);
    await page.getByRole('row').nth(5).waitFor();
    await page.getByRole('grid').hover();
    for (let i = 0; i < 30; i += 1) await page.mouse.wheel(0, 900);
    await expect.poll(async () => middleOf(await seen(visitor))).toBeGreaterThan(100);
    for (const [index, n] of Object.entries(await seen(visitor))) expect(n).toBe(String(COUNT - 1 - Number(index)));
    await page.getByRole('grid').focus();
    await page.keyboard.press('Control+End');
    await expect.poll(async () => (await seen(visitor))[String(COUNT - 1)], { timeout: 30_000 }).toBe('0');
    await expect.poll(() => page.locator('[role=gridcell].here').count()).toBe(1);

    await page.getByLabel('Go to').fill('2026-04-01');
    // Days begin at 04:00 in Berlin, 02:00 UTC: the first row in sight is the last event before the day's end.
    const end = await server.get<number>(`/api/0/buckets/${BUCKET}/events/count?end=2026-04-02T02:00:00Z`);
    await expect
      .poll(async () => (await seen(visitor))[String(COUNT - end)], { timeout: 30_000 })
      .toBe(String(end - 1));
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('scrolls smoothly', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(`/data/${BUCKET}`);
    await page.getByRole('row').nth(5).waitFor();
    const frames = await page.evaluate(async () => {
      const box = document.querySelector('[role=grid]');
      const times: number[] = [];
      let last = performance.now();
      for (let i = 0; i < 120; i += 1) {
        if (box !== null) box.scrollTop += 120;
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - last);
        last = performance.now();
      }
      return times.sort((a, b) => a - b);
    });
    // Written down, not asserted: the machine of a test may be busy.
    process.stdout.write(`frames: p50 ${frames[60]?.toFixed(1)} ms, p95 ${frames[114]?.toFixed(1)} ms\n`);
    expect(frames).toHaveLength(120);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
