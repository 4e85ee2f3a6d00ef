import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST, today } from './fill';
import { Server } from './server';

const PAGES = [
  'activity',
  'timeline',
  'trends',
  'report',
  'search?q=e',
  'stopwatch',
  'goals',
  'query',
  'categories',
  'data',
  'data?tab=move',
  'data?tab=trash',
  'data?tab=erase',
  'data?tab=privacy',
  'data?tab=backups',
  `data/aw-watcher-window_${HOST}`,
  'log',
  'status',
  'settings',
  'welcome',
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

/** What reaches beyond the right edge, for the message of a failed test. */
const tooWide = (visitor: Visitor) =>
  visitor.page.evaluate(() =>
    [...document.querySelectorAll('main *')]
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .slice(0, 5)
      .map((element) => `${element.tagName}.${element.className.toString()}`),
  );

describe('every page', () => {
  it.each(['en', 'de'])('fits into 360 pixels, in %s', async (locale) => {
    await server.post('/api/0/settings/locale', locale);
    const visitor = await Visitor.open(browser, server.url);
    await visitor.page.setViewportSize({ width: 360, height: 740 });
    for (const name of PAGES) {
      await visitor.go(`/${name}`);
      await visitor.settled();
      await visitor.shot(`360-${locale}-${name.replace(/\W/g, '-')}`);
      if (await visitor.overflows()) expect.soft(await tooWide(visitor), name).toEqual([]);
      expect.soft(await visitor.overflows(), `${name} is wider than the screen`).toBe(false);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
    await server.post('/api/0/settings/locale', 'en');
  });

  it.each([false, true])('is accessible in high contrast, dark: %s', async (dark) => {
    await server.post('/api/0/settings/timberline.contrast', 'more');
    const visitor = await Visitor.open(browser, server.url, { dark });
    for (const name of PAGES) {
      await visitor.go(`/${name}`);
      await visitor.settled();
      await visitor.shot(`contrast-${dark ? 'dark' : 'light'}-${name.replace(/\W/g, '-')}`);
      expect.soft(await visitor.axe(), name).toEqual([]);
    }
    expect(await visitor.page.locator('html').getAttribute('data-contrast')).toBe('more');
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
    await server.post('/api/0/settings/timberline.contrast', 'auto');
  });

  it('can be read with the forced colours of the system', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.page.emulateMedia({ forcedColors: 'active' });
    for (const name of PAGES) {
      await visitor.go(`/${name}`);
      await visitor.settled();
      await visitor.shot(`forced-${name.replace(/\W/g, '-')}`);
      expect.soft(await visitor.axe(), name).toEqual([]);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('is not wider than it can be read on a large screen', async () => {
    const visitor = await Visitor.open(browser, server.url);
    await visitor.page.setViewportSize({ width: 3840, height: 2160 });
    for (const name of PAGES) {
      await visitor.go(`/${name}`);
      await visitor.settled();
      await visitor.shot(`4k-${name.replace(/\W/g, '-')}`);
      expect.soft(await visitor.overflows(), `${name} is wider than the screen`).toBe(false);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

it('a report is printed without what is only for the screen', async () => {
  const visitor = await Visitor.open(browser, server.url);
  await visitor.go('/report');
  await visitor.settled();
  await visitor.page.emulateMedia({ media: 'print' });
  await visitor.page.setViewportSize({ width: 794, height: 1123 });
  await visitor.shot('print-report');
  expect(await visitor.page.getByRole('navigation').filter({ visible: true }).count()).toBe(0);
  expect(await visitor.page.getByRole('button', { name: 'CSV' }).filter({ visible: true }).count()).toBe(0);
  await visitor.page.locator('td[data-sum]').filter({ visible: true }).waitFor();
  expect(await visitor.overflows()).toBe(false);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});
