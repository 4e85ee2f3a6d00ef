import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Visitor, WIDTHS, type Width } from './browser';
import { fillDay, HOST, today } from './fill';
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
  await fillDay(server, today());
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
          // The gallery has a skeleton to look at.
          if (page !== 'gallery') await visitor.settled();
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
  afterEach(async () => {
    await server.post('/api/0/settings/locale', 'en');
    await server.post('/api/0/settings/theme', 'auto');
  });

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
    await expect.poll(() => page.title()).toBe('Timeline – Timberline');
    await page.waitForFunction(() => document.activeElement?.id === 'content');
    await page.keyboard.type('gs');
    await page.waitForFunction(() => location.hash === '#/search');
    // There what is typed is a search, so the sheet is asked for elsewhere.
    await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'search');
    await page.goBack();
    await page.waitForFunction(() => document.activeElement?.id === 'content');
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
  });

  it('shows the keys of every page', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    for (const name of PAGES.filter((one) => one !== 'search')) {
      await visitor.go(`/${name}`);
      await page.locator('#content').focus();
      await page.keyboard.type('?');
      await page.getByRole('dialog').getByText('Go to Goals').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('says that there is no such page', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.go('/nowhere');
    await visitor.page.getByRole('heading', { level: 1, name: 'This page does not exist' }).waitFor();
    await visitor.close();
  });
});
