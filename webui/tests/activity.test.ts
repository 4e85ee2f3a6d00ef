import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { farStartOfDay, fillDay } from './fill';
import { Server } from './server';

const DATE = '2026-06-10';
const DAYS = ['2025-12-30', '2026-05-31', '2026-06-08', DATE, '2026-06-14', '2026-06-21'];

let server: Server;
let browser: Browser;

interface Usage {
  duration: number;
  groups: { value: unknown; duration: number }[];
  others: { duration: number };
}

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

// A server for each test: none depends on what another one has left behind.
beforeEach(async () => {
  server = await Server.start();
  for (const day of DAYS) await fillDay(server, day);
  await server.post('/api/0/settings/classes', [
    { id: 0, name: ['Work'], rule: { type: 'regex', regex: 'Slack' }, data: { color: '#2f78c4', score: 2 } },
    { id: 1, name: ['Work', 'Code'], rule: { type: 'regex', regex: 'timberline' }, data: {} },
    { id: 2, name: ['Media'], rule: { type: 'regex', regex: 'Firefox' }, data: { score: -1 } },
  ]);
});

afterEach(() => server.stop());

const ready = (page: Page) =>
  page.waitForFunction(() => performance.getEntriesByName('timberline:ready').length > 0, undefined, {
    timeout: 60_000,
  });

/** Opens an address as a page of its own, so that its mark is its own too. */
async function open(visitor: Visitor, hash: string): Promise<void> {
  await visitor.page.goto('about:blank');
  await visitor.go(hash);
  await ready(visitor.page);
}

/** Seconds of the first duration in a part of the page, by what a machine reads of it. */
async function seconds(page: Page, selector: string): Promise<number> {
  const text = await page.locator(`${selector} time`).first().getAttribute('datetime');
  return Number(/^PT([\d.]+)S$/.exec(text ?? '')?.[1]);
}

const usage = (start: string, end: string, more = '') =>
  server.get<Usage>(`/api/1/usage?start=${start}T02:00:00Z&end=${end}T02:00:00Z&zone=Europe/Berlin&limit=1000${more}`);

describe('Activity', () => {
  it.each([
    ['day', '2026-06-10', '2026-06-11'],
    ['week', '2026-06-08', '2026-06-15'],
    ['month', '2026-06-01', '2026-07-01'],
  ])('shows for a %s what /api/1/usage says', async (range, start, end) => {
    const visitor = await Visitor.open(browser, server.url);
    await open(visitor, `/activity?range=${range}&date=${DATE}`);
    const { duration } = await usage(start, end, '&by=app');
    expect(duration).toBeGreaterThan(0);
    expect(await seconds(visitor.page, '.overview .total')).toBeCloseTo(duration, 2);
    const shares = await visitor.page
      .locator('.legend time')
      .evaluateAll((all) => all.map((e) => e.getAttribute('datetime')));
    const sum = shares.reduce((all, text) => all + Number(text?.slice(2, -1)), 0);
    expect(sum).toBeCloseTo(duration, 1);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('shows for a year what /api/1/usage says, from and to the start of a winter day', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await open(visitor, `/activity?range=year&date=${DATE}`);
    const { duration } = await server.get<Usage>(
      '/api/1/usage?start=2026-01-01T03:00:00Z&end=2027-01-01T03:00:00Z&zone=Europe/Berlin&by=app',
    );
    expect(await seconds(visitor.page, '.overview .total')).toBeCloseTo(duration, 2);
    expect(duration).toBeCloseTo((DAYS.length - 1) * 7 * 3600, 3);
    await visitor.close();
  });

  it('is filtered by a click on a category, an app, and from the address', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await open(visitor, `/activity?date=${DATE}`);
    await page.locator('.legend button', { hasText: 'Work' }).click();
    await page.waitForFunction(() => new URLSearchParams(location.hash.split('?')[1]).get('category') === '["Work"]');
    // Six hours of the seven: the one in the browser is Media.
    await expect.poll(() => seconds(page, '.overview .total')).toBeCloseTo(6 * 3600, 3);
    await page.locator('ul[aria-label="Apps"] button', { hasText: 'Code' }).click();
    await expect.poll(() => seconds(page, '.overview .total')).toBeCloseTo(4.5 * 3600, 3);
    await expect.poll(() => page.locator('ul[aria-label="Window titles"] li').count()).toBe(2);
    const address = page.url();
    await page.goto('about:blank');
    await page.goto(address);
    await ready(page);
    expect(await seconds(page, '.overview .total')).toBeCloseTo(4.5 * 3600, 3);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await expect.poll(() => seconds(page, '.overview .total')).toBeCloseTo(7 * 3600, 3);
    await page.goBack();
    await expect.poll(() => seconds(page, '.overview .total')).toBeCloseTo(4.5 * 3600, 3);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('filters windows by a page, and pages by an app', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await open(visitor, `/activity?date=${DATE}&domain=example.org`);
    await expect.poll(() => seconds(page, '.overview .total')).toBeCloseTo(3600, 3);
    await expect
      .poll(() => page.locator('ul[aria-label="Apps"] li').allTextContents())
      .toEqual([expect.stringContaining('Firefox')]);
    await open(visitor, `/activity?date=${DATE}&app=Code`);
    const domains = page.locator('.slot', { has: page.getByRole('heading', { name: 'Domains' }) });
    await domains.getByText('No data in this period.').waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('goes through the periods with buttons and keys', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await open(visitor, `/activity?date=${DATE}`);
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('heading', { level: 1, name: /9 June 2026/ }).waitFor();
    await page.keyboard.press('n');
    await page.getByRole('heading', { level: 1, name: /10 June 2026/ }).waitFor();
    await page.keyboard.press('w');
    await page.waitForFunction(() => location.hash.includes('range=week'));
    await page.getByRole('heading', { level: 1, name: /8 ?– ?14 June 2026/ }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('keeps a changed view in the form of the standard web UI, with the cards that only that has', async () => {
    const stored = [
      {
        id: 'summary',
        name: 'Summary',
        elements: [
          { type: 'top_apps', size: 3 },
          { type: 'custom_vis', size: 3, props: { visname: 'x', title: 'Mine' } },
          { type: 'top_titles', size: 3 },
        ],
      },
    ];
    await server.post('/api/0/settings/views', stored);
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await open(visitor, `/activity?date=${DATE}`);
    await expect.poll(() => page.locator('.grid h2').allTextContents()).toEqual(['Apps', 'Mine', 'Window titles']);
    await page.keyboard.press('e');
    await page.getByRole('button', { name: 'Move Window titles', exact: true }).focus();
    await page.keyboard.press('ArrowLeft');
    await expect
      .poll(async () => (await server.get<typeof stored>('/api/0/settings/views'))[0]?.elements.map((e) => e.type))
      .toEqual(['top_apps', 'top_titles', 'custom_vis']);
    await page
      .getByRole('button', { name: 'Move Apps', exact: true })
      .dragTo(page.getByRole('heading', { name: 'Window titles' }));
    await expect
      .poll(async () => (await server.get<typeof stored>('/api/0/settings/views'))[0]?.elements.map((e) => e.type))
      .toEqual(['top_titles', 'top_apps', 'custom_vis']);
    await page.getByRole('button', { name: 'Add a card' }).click();
    await page.getByRole('menuitem', { name: 'Score' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    // A page that is left takes what it has not sent yet with it.
    await expect
      .poll(async () => (await server.get<typeof stored>('/api/0/settings/views'))[0]?.elements.map((e) => e.type))
      .toEqual(['top_titles', 'top_apps', 'custom_vis', 'score']);
    await page.reload();
    await ready(page);
    await expect
      .poll(() => page.locator('.grid h2').allTextContents())
      .toEqual(['Window titles', 'Apps', 'Mine', 'Score']);
    // 6 h of Work at 2, 1 h of Media at -1
    await page.getByText('+11.0').waitFor();
    expect((await server.get<typeof stored>('/api/0/settings/views'))[0]).toMatchObject({
      id: 'summary',
      name: 'Summary',
      elements: [{ type: 'top_titles' }, { type: 'top_apps' }, stored[0]?.elements[1], { type: 'score', size: 3 }],
    });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('follows today', async () => {
    await server.post('/api/0/settings/startOfDay', farStartOfDay());
    const now = Date.now();
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await open(visitor, '/activity');
    const before = await seconds(page, '.overview .total');
    const at = (ago: number) => new Date(now - ago * 1000).toISOString();
    await server.post('/api/0/buckets/aw-watcher-window_laptop/events', [
      { timestamp: at(60), duration: 60, data: { app: 'Code', title: 'live - timberline' } },
    ]);
    await server.post('/api/0/buckets/aw-watcher-afk_laptop/events', [
      { timestamp: at(60), duration: 60, data: { status: 'not-afk' } },
    ]);
    await expect.poll(() => seconds(page, '.overview .total'), { timeout: 30_000 }).toBeGreaterThan(before + 30);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
