import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { Server } from './server';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

// A server for each test: none depends on what another one has left behind.
beforeEach(async () => {
  server = await Server.start();
});

afterEach(() => server.stop());

interface Stored {
  id: number;
  timestamp: string;
  duration: number;
  data: { running: boolean; label: string; tags?: string[] };
}

const events = () => server.get<Stored[]>('/api/0/buckets/aw-stopwatch/events?limit=100');

it('runs on over a reload, stops, starts again, and keeps the form of the standard web UI', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/stopwatch');
  await page.getByRole('heading', { name: 'No entries yet' }).waitFor();
  expect(Object.keys(await server.get('/api/0/buckets')), 'looking makes no bucket').toEqual([]);

  await page.getByRole('combobox', { name: 'What are you doing?' }).fill('Write the report');
  await page.getByRole('combobox', { name: 'Tags' }).fill('acme, writing');
  await page.keyboard.press('Enter');
  const timer = page.getByRole('timer', { name: 'Write the report' });
  await timer.waitFor();
  expect(await events()).toMatchObject([
    { data: { running: true, label: 'Write the report', tags: ['acme', 'writing'] } },
  ]);

  await page.reload();
  await timer.waitFor();
  await expect.poll(() => timer.textContent(), { timeout: 10_000 }).not.toBe('0:00:00');
  await page.getByRole('button', { name: 'Stop' }).click();
  await timer.waitFor({ state: 'detached' });
  const [stopped] = await events();
  expect(stopped?.data).toEqual({ running: false, label: 'Write the report', tags: ['acme', 'writing'] });
  expect(stopped?.duration).toBeGreaterThan(0.5);

  await page.getByRole('button', { name: 'Undo' }).click();
  await timer.waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Start again' }).click();
  await timer.waitFor();
  expect((await events()).map(({ data }) => [data.label, data.running])).toEqual([
    ['Write the report', true],
    ['Write the report', false],
  ]);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('takes time afterwards, changes it, and deletes it with a way back', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/stopwatch');
  await page.getByRole('button', { name: 'Add time' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Label' }).fill('Call');
  await dialog.getByLabel('From').fill('2026-05-12T10:00:00');
  await dialog.getByLabel('To').fill('2026-05-12T09:00:00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').getByText('The end must be after the start.').waitFor();
  await dialog.getByLabel('To').fill('2026-05-12T11:30:00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const call = page.getByRole('button', { name: /^Call/ });
  await call.waitFor();
  const stored = async () => (await events()).find(({ data }) => data.label.startsWith('Call'));
  // The clock of the page is that of Berlin.
  expect(await stored()).toMatchObject({ timestamp: '2026-05-12T08:00:00Z', duration: 5400 });

  await call.click();
  await dialog.getByRole('combobox', { name: 'Label' }).fill('Call with Ada');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: /^Call with Ada/ }).waitFor();
  await expect.poll(stored).toMatchObject({ duration: 5400, data: { label: 'Call with Ada', running: false } });

  await page.getByRole('button', { name: 'Actions for Call with Ada' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: /^Call with Ada/ }).waitFor({ state: 'detached' });
  await expect.poll(stored).toBeUndefined();
  await page.locator('.toast', { hasText: 'was deleted' }).getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('button', { name: /^Call with Ada/ }).waitFor();
  await expect.poll(stored).toMatchObject({ timestamp: '2026-05-12T08:00:00Z', duration: 5400 });
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

const startElsewhere = async () => {
  await server.post('/api/0/buckets/aw-stopwatch', { client: 'test', type: 'general.stopwatch', hostname: 'laptop' });
  await server.post('/api/0/buckets/aw-stopwatch/heartbeat?pulsetime=1', {
    timestamp: new Date().toISOString(),
    data: { running: true, label: 'From elsewhere' },
  });
};

it('shows at once what another program starts', async () => {
  const visitor = await Visitor.open(browser, server.url);
  await visitor.go('/stopwatch');
  await visitor.page.getByRole('heading', { name: 'No entries yet' }).waitFor();
  await startElsewhere();
  await visitor.page.getByRole('timer', { name: 'From elsewhere' }).waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('is accessible and within the screen with entries', async () => {
  await startElsewhere();
  for (const width of ['wide', 'narrow'] as const) {
    const visitor = await Visitor.open(browser, server.url, { width, dark: width === 'narrow' });
    await visitor.go('/stopwatch');
    await visitor.page.getByRole('timer').first().waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    expect(await visitor.overflows()).toBe(false);
    await visitor.shot(`stopwatch-entries-${width}`);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  }
});
