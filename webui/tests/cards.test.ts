import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { bucket, fillDay, HOST } from './fill';
import { Server } from './server';

const DATE = '2026-06-10';
const WINDOWS = `aw-watcher-window_${HOST}`;
const ADDRESS = `/activity?date=${DATE}`;

/** Cards of the standard web UI as it stores them, and one that nobody knows yet. */
const ELEMENTS = [
  { type: 'sunburst_clock', size: 3 },
  { type: 'top_stopwatches', size: 3 },
  { type: 'top_bucket_data', size: 3, props: { bucketId: WINDOWS, field: 'app', customField: '', other: 'kept' } },
  { type: 'vis_timeline', size: 6 },
  { type: 'custom_vis', size: 3, props: { visname: 'aw-watcher-mine', title: 'My chart' } },
  { type: 'of_the_future', size: 3, props: { x: 1 } },
];

interface View {
  elements: { type: string; props?: Record<string, unknown> }[];
}

let server: Server;
let browser: Browser;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  server = await Server.start();
  await fillDay(server, DATE);
  await bucket(server, 'aw-stopwatch', 'general.stopwatch', [
    { timestamp: `${DATE}T17:00:00Z`, duration: 3600, data: { running: false, label: 'Report' } },
    { timestamp: `${DATE}T18:30:00Z`, duration: 1800, data: { running: false, label: 'Report' } },
    { timestamp: `${DATE}T19:00:00Z`, duration: 600, data: { running: false, label: 'Call' } },
    { timestamp: '2026-06-01T08:00:00Z', duration: 9000, data: { running: false, label: 'Another day' } },
  ]);
  await server.post('/api/0/settings/views', [{ id: 'summary', name: 'Summary', elements: ELEMENTS }]);
  visitor = await Visitor.open(browser, server.url);
  page = visitor.page;
  await visitor.go(ADDRESS);
  await visitor.settled();
});

afterEach(async () => {
  await visitor.close();
  await server.stop();
});

const card = (title: string): Locator => page.locator('.slot', { has: page.getByRole('heading', { name: title }) });
const stored = async () => (await server.get<View[]>('/api/0/settings/views'))[0]?.elements;
const usage = () =>
  server.get<{ duration: number }>(
    `/api/1/usage?start=${DATE}T02:00:00Z&end=2026-06-11T02:00:00Z&zone=Europe/Berlin&by=app`,
  );

/** Names and exact times of the rows of a card, as they are said on hover. */
const rows = (title: string) =>
  card(title)
    .locator('li [title]')
    .evaluateAll((all) => all.map((row) => (row.getAttribute('title') ?? '').replace(/ · .*$/s, '')));

describe('cards of the standard web UI', () => {
  it('add up stopwatches by their labels, and values of a bucket', async () => {
    await expect.poll(() => rows('Stopwatch')).toEqual(['Report\n1:30:00', 'Call\n0:10:00']);
    await expect.poll(() => rows('Data of a bucket')).toEqual(['Code\n4:30:00', 'Firefox\n2:00:00', 'Slack\n1:30:00']);
    expect(visitor.complaints).toEqual([]);
  });

  it('show the hours of the day around a clock, which add up to the day', async () => {
    const cells = await card('Hours of the day')
      .locator('tbody tr')
      .evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')));
    const seconds = (text: string) => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    expect(cells.reduce((sum, [, time = '']) => sum + seconds(time), 0)).toBeCloseTo((await usage()).duration, 0);
    // 08:00 UTC is ten o'clock in Berlin; the person was away from 13:00 to 14:00.
    expect(cells[0]?.slice(0, 2)).toEqual(['10:00 – 11:00', '1:00:00']);
    expect(cells.map(([hour]) => hour)).not.toContain('13:00 – 14:00');
    await card('Hours of the day').locator('path.area').nth(10).hover();
    await card('Hours of the day').locator('.middle').getByText('10:00 – 11:00').waitFor();

    await visitor.go(`/activity?date=${DATE}&range=month`);
    await expect.poll(() => card('Hours of the day').locator('tbody tr').count()).toBe(cells.length);
    await visitor.go(`/activity?date=${DATE}&range=year`);
    await card('Hours of the day').getByText('Choose a shorter period').waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  it('show buckets one above the other, and lead to their time in the timeline', async () => {
    const lanes = card('Timeline').getByRole('listitem');
    await expect.poll(() => lanes.count()).toBe(5);
    expect(await lanes.nth(2).textContent()).toContain(WINDOWS);
    await lanes.nth(2).locator('canvas').click();
    await page.waitForFunction(() => location.hash.startsWith('#/timeline?'));
    const address = new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]);
    // The middle of a day that begins at four is four in the afternoon, 14:00 UTC.
    const middle = (Date.parse(address.get('start') ?? '') + Date.parse(address.get('end') ?? '')) / 2;
    expect(Math.abs(middle - Date.parse(`${DATE}T14:00:00Z`))).toBeLessThan(5 * 60_000);
    expect(visitor.complaints).toEqual([]);
  });

  it('that bring their own code say what they are, and run none', async () => {
    await card('My chart').getByText('aw-watcher-mine').waitFor();
    await card('My chart').getByText('runs only its own code').waitFor();
    await card('“of_the_future” of the standard web UI').getByText('the standard web UI shows it').waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
  });

  it('are changed in a form that the standard web UI reads, and lose nothing', async () => {
    await page.keyboard.press('e');
    await card('Data of a bucket').getByLabel('Field', { exact: true }).fill('title');
    await card('Data of a bucket').getByLabel('Field', { exact: true }).blur();
    await expect.poll(() => rows('Data of a bucket')).toContain('general\n1:30:00');
    await expect
      .poll(stored)
      .toEqual(
        ELEMENTS.map((element) =>
          element.type === 'top_bucket_data'
            ? { ...element, props: { bucketId: WINDOWS, field: 'title', customField: '', other: 'kept' } }
            : element,
        ),
      );
    await card('Data of a bucket').getByLabel('Bucket', { exact: true }).selectOption(`aw-watcher-afk_${HOST}`);
    await expect.poll(() => rows('Data of a bucket')).toEqual(['not-afk\n7:00:00', 'afk\n1:00:00']);
    expect(visitor.complaints).toEqual([]);
  });

  it('are accessible and within the screen', async () => {
    expect(await visitor.axe()).toEqual([]);
    await visitor.shot('activity-cards-wide');
    const narrow = await Visitor.open(browser, server.url, { width: 'narrow', dark: true });
    await narrow.go(ADDRESS);
    await narrow.settled();
    await narrow.shot('activity-cards-narrow');
    expect(await narrow.axe()).toEqual([]);
    expect(await narrow.overflows()).toBe(false);
    await narrow.page.keyboard.press('e');
    await narrow.page.getByLabel('Field', { exact: true }).waitFor();
    expect(await narrow.axe()).toEqual([]);
    expect(await narrow.overflows()).toBe(false);
    expect(narrow.complaints).toEqual([]);
    expect(visitor.complaints).toEqual([]);
    await narrow.close();
  });
});
