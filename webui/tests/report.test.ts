import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, today } from './fill';
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
  for (const day of ['2026-06-08', '2026-06-10']) await fillDay(server, day);
  await server.post('/api/0/settings/classes', [
    { id: 0, name: ['Work'], rule: { type: 'regex', regex: 'Code|Slack' }, data: {} },
    { id: 1, name: ['Media'], rule: { type: 'regex', regex: 'Firefox' }, data: {} },
  ]);
});

afterEach(() => server.stop());

describe('Report', () => {
  it('rounds, bills, and its CSV adds up to what the page shows', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/report?range=week&date=2026-06-10');
    await page.getByLabel('Hourly rate of Work').fill('85.50');
    await page.getByLabel('Hourly rate of Work').press('Tab');
    await page.getByLabel('Round to').selectOption('15');
    await page.getByText('Up', { exact: true }).click();
    await expect
      .poll(() => server.get('/api/0/settings/timberline.report'))
      .toMatchObject({ minutes: 15, direction: 'up', rates: { '["Work"]': 85.5 } });
    const total = page.locator('td[data-sum]');
    await expect.poll(() => total.getAttribute('data-sum')).toBe(String((14 * 3600).toFixed(6)));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    const rows = text
      .replace(/^\ufeff/, '')
      .trim()
      .split('\r\n')
      .slice(1)
      .map((row) => row.split(','));
    expect(rows).toHaveLength(4);
    const column = (i: number) => rows.reduce((sum, row) => sum + Number(row[i]), 0);
    expect(column(4) * 3600).toBeCloseTo(Number(await total.getAttribute('data-sum')), 3);
    // 12 hours of Work
    expect(column(6)).toBeCloseTo(12 * 85.5, 2);
    await page.getByText('€1,026.00').first().waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('Trends', () => {
  it('adds up to the usage of the range, and leads to a day', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/trends?range=month&date=2026-06-10');
    const total = page.locator('.figures time').first();
    await expect.poll(() => total.getAttribute('datetime')).toBe(`PT${(14 * 3600).toFixed(3)}S`);
    await page.getByRole('button', { name: /^Wed, 10 June 2026: 7:00:00/ }).click();
    await page.waitForFunction(
      () => location.hash.startsWith('#/activity') && location.hash.includes('date=2026-06-10'),
    );
    await visitor.go('/trends?range=month&date=2026-06-10');
    await page.getByRole('button', { name: /^Wed, 10 June 2026: 7:00:00/ }).waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    expect(await visitor.overflows()).toBe(false);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('Goals', () => {
  it('are made, followed, changed and deleted with a way back', async () => {
    await fillDay(server, today());
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/goals');
    await page.getByRole('button', { name: 'New goal' }).click();
    await page.getByRole('dialog').getByLabel('Category').selectOption({ label: 'Work' });
    await page.getByRole('dialog').getByLabel('Hours').fill('1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('At least 1 h a day').waitFor();
    await expect
      .poll(() => server.get('/api/0/settings/timberline.goals'))
      .toMatchObject([{ category: ['Work'], kind: 'target', seconds: 3600, per: 'day' }]);
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    await page.getByRole('button', { name: 'Change the goal for Work' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByText('You have no goals yet').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('At least 1 h a day').waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
