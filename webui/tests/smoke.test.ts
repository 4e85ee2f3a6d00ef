import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Visitor, WIDTHS, type Width } from './browser';
import { fillDay, HOST } from './fill';
import { Server } from './server';

const PAGES = [
  'activity',
  'timeline',
  'trends',
  'report',
  'search',
  'stopwatch',
  'goals',
  'query',
  'categories',
  'data',
  `data/aw-watcher-window_${HOST}`,
  'log',
  'status',
  'settings',
  'welcome',
  'gallery',
];

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
  await fillDay(server, new Date().toISOString().slice(0, 10));
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

for (const width of Object.keys(WIDTHS) as Width[]) {
  for (const dark of [false, true]) {
    describe(`${width}, ${dark ? 'dark' : 'light'}`, () => {
      it('shows every page without a complaint, accessible and within the screen', async () => {
        const visitor = await Visitor.open(browser, server.url, { width, dark });
        for (const page of PAGES) {
          await visitor.go(`/${page}`);
          await visitor.shot(`${page.replace('/', '-')}-${width}-${dark ? 'dark' : 'light'}`);
          expect.soft(await visitor.axe(), page).toEqual([]);
          expect.soft(await visitor.overflows(), `${page} is wider than the screen`).toBe(false);
        }
        expect(visitor.complaints).toEqual([]);
        await visitor.close();
      });
    });
  }
}

describe('the frame', () => {
  it('is used with the keyboard alone', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/activity');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find a page or command' }).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox');
    await page.keyboard.type('timel');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#/timeline');
    expect(await page.title()).toBe('Timeline – Timberline');
    await page.waitForFunction(() => document.activeElement?.id === 'content');
    await page.keyboard.type('gs');
    await page.waitForFunction(() => location.hash === '#/search');
    await page.keyboard.type('?');
    await page.getByRole('dialog').getByText('Go to Goals').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('keeps theme and language on the server', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.go('/activity');
    await visitor.page.getByRole('button', { name: 'Switch between light and dark' }).click();
    await visitor.page.locator('html[data-theme="dark"]').waitFor();
    await expect.poll(() => server.get('/api/0/settings/theme')).toBe('dark');
    await server.post('/api/0/settings/locale', 'de');
    await visitor.page.reload();
    await visitor.page.locator('html[lang="de"]').waitFor();
    await visitor.page.getByRole('link', { name: 'Zeitleiste' }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
    await server.post('/api/0/settings/locale', 'en');
    await server.post('/api/0/settings/theme', 'auto');
  });

  it('says that there is no such page', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.go('/nowhere');
    expect(await visitor.page.getByRole('heading', { level: 1 }).textContent()).toBe('This page does not exist');
    await visitor.close();
  });
});
