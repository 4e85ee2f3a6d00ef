import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
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
  await fillDay(server, '2026-05-12');
});

afterEach(() => server.stop());

const setting = (key: string) => server.get(`/api/0/settings/${key}`);

describe('what is chosen', () => {
  it('is stored under the keys and in the forms of the standard web UI', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/settings');
    await page.getByText('Dark', { exact: true }).click();
    await page.locator('html[data-theme="dark"]').waitFor();
    await page.getByText('More', { exact: true }).last().click();
    await page.locator('html[data-contrast="more"]').waitFor();
    await page.getByLabel('Start of the day').fill('05:30');
    await page.getByLabel('Start of the day').blur();
    await page.getByLabel('Start of the week').selectOption('Sunday');
    await page.getByLabel('First page').selectOption({ label: 'Data' });
    await page.getByLabel('Time zone', { exact: true }).selectOption('Asia/Tokyo');
    await page.getByLabel('Always active').fill('zoom|meet');
    await page.getByLabel('Always active').blur();
    await page.getByRole('textbox', { name: `Name of ${HOST}` }).fill('My laptop');
    await page.getByRole('textbox', { name: `Name of ${HOST}` }).blur();
    const wanted = {
      theme: 'dark',
      startOfDay: '05:30',
      startOfWeek: 'Sunday',
      landingpage: '/buckets',
      'timberline.zone': 'Asia/Tokyo',
      timeZones: [{ zone: 'Asia/Tokyo' }],
      always_active_pattern: 'zoom|meet',
      'timberline.devices': { [HOST]: { name: 'My laptop' } },
      'timberline.contrast': 'more',
    };
    await expect.poll(() => server.get('/api/0/settings')).toMatchObject(wanted);

    await page.reload();
    await page.getByRole('textbox', { name: `Name of ${HOST}` }).fill('Other');
    await page.getByRole('textbox', { name: `Name of ${HOST}` }).blur();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => setting('timberline.devices')).toEqual({ [HOST]: { name: 'My laptop' } });
    await page.getByRole('textbox', { name: `Name of ${HOST}` }).waitFor();
    await visitor.settled();
    expect(await visitor.axe()).toEqual([]);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('is refused where it would break every query', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.go('/settings');
    await visitor.page.getByLabel('Always active').fill('(zoom');
    await visitor.page.getByLabel('Always active').blur();
    await visitor.page
      .getByRole('alert')
      .getByText(/regular expression/)
      .waitFor();
    expect(await setting('always_active_pattern')).not.toBe('(zoom');
    visitor.forget(/status of 400|status 400/);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('keeps the zones of a traveller in order', async () => {
    await server.post('/api/0/settings/timeZones', [{ zone: 'Europe/Berlin' }]);
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/settings');
    await page.getByRole('button', { name: 'Add a journey' }).click();
    await page.getByLabel('Time zone 2', { exact: true }).selectOption('Asia/Tokyo');
    await page.getByLabel('Start of time zone 2').fill('2026-03-01T09:00');
    await page.getByLabel('Start of time zone 2').blur();
    await expect
      .poll(() => setting('timeZones'))
      .toEqual([{ zone: 'Europe/Berlin' }, { zone: 'Asia/Tokyo', from: '2026-03-01T00:00:00Z' }]);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('another program', () => {
  it('changes a setting, and the page follows without a reload', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/settings');
    await page.getByLabel('Start of the day').waitFor();
    await server.post('/api/0/settings/theme', 'dark');
    await page.locator('html[data-theme="dark"]').waitFor();
    await server.post('/api/0/settings/startOfDay', '06:00');
    await expect.poll(() => page.getByLabel('Start of the day').inputValue()).toBe('06:00');
    await server.post('/api/0/settings/locale', 'de');
    await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('chooses the first page', async () => {
    await server.post('/api/0/settings/landingpage', '/stopwatch');
    const visitor = await Visitor.open(browser, server.url);
    await visitor.page.goto(server.url);
    await visitor.page.waitForFunction(() => location.hash === '#/stopwatch');
    await visitor.page.goto('about:blank');
    await visitor.page.goto(`${server.url}/#/home`);
    await visitor.page.waitForFunction(() => location.hash.startsWith('#/activity'));
    visitor.forget(/about:blank/);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

/** The texts of our pages that are another text in German. */
async function english(): Promise<Set<string>> {
  const folder = (language: string) => fileURLToPath(new URL(`../src/text/${language}/`, import.meta.url));
  const texts = async (language: string) => {
    const files = (await readdir(folder(language))).filter((name) => name.endsWith('.json'));
    const rooms = await Promise.all(
      files.map(async (name) => JSON.parse(await readFile(folder(language) + name, 'utf8'))),
    );
    const values = rooms.flatMap((room: Record<string, unknown>) => Object.values(room));
    return values.filter((value): value is string => typeof value === 'string' && !value.includes('{'));
  };
  const german = new Set(await texts('de'));
  return new Set((await texts('en')).filter((text) => !german.has(text)));
}

it('speaks German without a word of English', async () => {
  await server.post('/api/0/settings/locale', 'de');
  const words = await english();
  const visitor = await Visitor.open(browser, server.url, { locale: 'de-DE' });
  const { page } = visitor;
  for (const name of ['search', 'stopwatch', 'query', 'categories', 'settings']) {
    await visitor.go(`/${name}`);
    await page.locator('html[lang="de"]').waitFor();
    await visitor.settled();
    const shown = await page.evaluate(() => {
      const texts: string[] = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) texts.push(walker.currentNode.textContent?.trim() ?? '');
      for (const element of document.querySelectorAll('*')) {
        for (const attribute of ['aria-label', 'title', 'placeholder']) {
          texts.push(element.getAttribute(attribute)?.trim() ?? '');
        }
      }
      return texts.filter((text) => text !== '');
    });
    expect(shown.length).toBeGreaterThan(20);
    expect
      .soft(
        shown.filter((text) => words.has(text)),
        name,
      )
      .toEqual([]);
  }
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});
