import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay } from './fill';
import { Server } from './server';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
  await fillDay(server, '2026-05-12');
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

it('finds a title while one types, and leads to its time in the timeline, with keys alone', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/activity');
  await page.locator('#content').focus();
  await page.keyboard.type('/');
  await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'search');
  await page.keyboard.type('LIB.rs');
  await page.getByText('1 hit, 2 h 30 min').waitFor();
  await expect.poll(() => page.locator('mark').allTextContents()).toEqual(['lib.rs']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash.startsWith('#/timeline?'));
  const address = new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]);
  expect(Date.parse(address.get('start') ?? '')).toBeLessThan(Date.parse('2026-05-12T12:00:00Z'));
  expect(Date.parse(address.get('end') ?? '')).toBeGreaterThan(Date.parse('2026-05-12T14:30:00Z'));
  expect(Date.parse(address.get('end') ?? '') - Date.parse(address.get('start') ?? '')).toBeLessThan(8 * 3600_000);
  await page.goBack();
  await page.getByText('1 hit, 2 h 30 min').waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('shows what took most time first, keeps hostile titles text, and takes fields, phrases and expressions', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/search?q=timberline');
  await page.getByText('2 hits').waitFor();
  await expect
    .poll(() => page.locator('[data-hit]').allTextContents())
    .toEqual(['lib.rs - timberline', 'main.rs - timberline']);
  const field = page.getByRole('searchbox', { name: 'Search everything' });
  for (const [search, found] of [
    ['onerror', ['<img src=x onerror=alert(1)> שלום']],
    ['app:slack', ['general']],
    ['"main.rs - timb"', ['main.rs - timberline']],
    ['timberline -lib', ['main.rs - timberline']],
    ['/^(lib|main)\\.rs/', ['lib.rs - timberline', 'main.rs - timberline']],
    ['url:example', ['A']],
  ] as const) {
    await field.fill(search);
    await expect.poll(() => page.locator('[data-hit]').allTextContents()).toEqual(found);
  }
  await field.fill('nothing like this');
  await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  await field.fill('/(a/');
  await page.getByRole('alert').getByText('unclosed group').waitFor();
  visitor.forget(/status of 400|status 400/);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('counts only the chosen period', async () => {
  const visitor = await Visitor.open(browser, server.url);
  await visitor.go('/search?q=timberline&range=day&date=2026-05-11');
  await visitor.page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  await visitor.page.getByRole('button', { name: 'Search all time' }).click();
  await visitor.page.getByText('2 hits').waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('is accessible and within the screen with results', async () => {
  for (const width of ['wide', 'narrow'] as const) {
    const visitor = await Visitor.open(browser, server.url, { width, dark: width === 'narrow' });
    await visitor.go('/search?q=e');
    await visitor.page.locator('[data-hit]').first().waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    expect(await visitor.overflows()).toBe(false);
    await visitor.shot(`search-results-${width}`);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  }
});
