import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay } from './fill';
import { BINARY, Server } from './server';

const KEY = 'correct-horse-battery-staple';
const DAY = '2026-03-02';
const ACTIVITY = `/activity?date=${DAY}`;
const SEVEN_HOURS = '.overview .total time[datetime="PT25200.000S"]';

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

async function locked(): Promise<{ server: Server; reader: string }> {
  let reader = '';
  const server = await Server.start({
    config: `[auth]\napi_key = "${KEY}"\n`,
    key: KEY,
    prepare: async (_home, data) => {
      const args = ['token', 'create', 'viewer', '--scope', 'read', '--dbpath', data];
      const { stdout } = await promisify(execFile)(BINARY, args);
      reader = /\S{20,}/.exec(stdout)?.[0] ?? '';
    },
  });
  onTestFinished(() => server.stop());
  await fillDay(server, DAY);
  return { server, reader };
}

const refusals = /status (of )?40[13]/;

describe('a server with a key', () => {
  it('shows nothing before the key is right, then everything, and forgets it with the tab', async () => {
    const { server } = await locked();
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await page.goto(`${server.url}/#${ACTIVITY}`);
    const dialog = page.getByRole('dialog', { name: 'The server needs a key' });
    const field = dialog.getByLabel('API key or token');
    await field.waitFor();
    await expect.poll(() => field.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await page.locator(SEVEN_HOURS).count()).toBe(0);
    expect(await visitor.axe()).toEqual([]);
    await visitor.shot('key-dialog');

    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await dialog.getByText('The server does not accept this key.').waitFor();
    await field.fill(KEY);
    await page.keyboard.press('Enter');
    await page.locator(SEVEN_HOURS).waitFor();
    await dialog.waitFor({ state: 'detached' });
    // The live stream has the key too.
    await server.post('/api/0/settings/theme', 'dark');
    await page.locator('html[data-theme="dark"]').waitFor();
    await page.reload();
    await page.locator(SEVEN_HOURS).waitFor();
    expect(page.url()).not.toContain(KEY);
    visitor.forget(refusals);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();

    const other = await Visitor.open(browser, server.url);
    await other.page.goto(`${server.url}/#${ACTIVITY}`);
    await other.page.getByRole('dialog', { name: 'The server needs a key' }).waitFor();
    await other.close();
  });

  it('takes the key from the address, where it does not stay', async () => {
    const { server } = await locked();
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await page.goto(`${server.url}/?token=${KEY}#${ACTIVITY}`);
    await page.locator(SEVEN_HOURS).waitFor();
    expect(page.url()).toBe(`${server.url}/#${ACTIVITY}`);
    expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage }))).not.toContain(KEY);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('shows everything to a token that may read, and says that it may not change anything', async () => {
    const { server, reader } = await locked();
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await page.goto(`${server.url}/?token=${reader}#${ACTIVITY}`);
    await page.locator(SEVEN_HOURS).waitFor();
    await page.getByRole('button', { name: 'Switch between light and dark' }).click();
    await page.getByRole('alert').first().waitFor();
    // What the server has refused is taken back.
    await page.locator('html[data-theme="light"], html:not([data-theme])').first().waitFor();
    expect(await server.get('/api/0/settings')).not.toHaveProperty('theme', 'dark');
    await page.locator(SEVEN_HOURS).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    visitor.forget(refusals);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
