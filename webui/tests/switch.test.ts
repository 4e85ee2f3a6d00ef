import { rm } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay } from './fill';
import { Server } from './server';
import { standardWebUi } from './standard';

let browser: Browser;
let webpath: string;

beforeAll(async () => {
  [browser, webpath] = await Promise.all([openBrowser(), standardWebUi()]);
});

afterAll(async () => {
  await browser.close();
  await rm(webpath, { recursive: true, force: true });
});

/** Loads an address anew: another hash alone would not. */
async function load(page: Page, url: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(url);
}

describe('a server with both web UIs', () => {
  it('is switched in Settings, there and back, and loses no setting', async () => {
    const server = await Server.start({ webpath });
    onTestFinished(() => server.stop());
    await fillDay(server, '2026-06-10');
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    const standard = page.getByRole('heading', { name: 'The standard web UI' });
    const setting = () => server.get('/api/0/settings/startOfDay');

    await load(page, `${server.url}/`);
    await standard.waitFor();
    await page.getByLabel('Start of day').fill('05:00');
    await expect.poll(setting).toBe('05:00');

    await load(page, `${server.url}/timberline/#/settings`);
    await expect.poll(() => page.getByLabel('Start of the day').inputValue()).toBe('05:00');
    await page.getByLabel('Start of the day').fill('06:30');
    await page.getByLabel('Start of the day').blur();
    await expect.poll(setting).toBe('06:30');
    const which = page.getByRole('group', { name: "Shown at the server's address" });
    await expect.poll(() => which.getByLabel('ActivityWatch').isChecked()).toBe(true);
    await which.getByText('Timberline').click();
    await expect.poll(() => server.get('/api/1/webui')).toMatchObject({ serves: 'timberline' });
    await visitor.settled();
    await visitor.shot('settings-both-web-uis');
    expect(await visitor.axe()).toEqual([]);

    // The page has the data wherever it is.
    for (const place of ['/', '/timberline/']) {
      await load(page, `${server.url}${place}#/activity?date=2026-06-10`);
      await page.locator('.overview .total time[datetime="PT25200.000S"]').waitFor();
    }

    await load(page, `${server.url}/timberline/#/settings`);
    await which.getByText('ActivityWatch').click();
    await expect.poll(() => server.get('/api/1/webui')).toMatchObject({ serves: 'standard' });
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await expect.poll(() => server.get('/api/1/webui')).toMatchObject({ serves: 'timberline' });
    await which.getByText('ActivityWatch').click();
    await expect.poll(() => server.get('/api/1/webui')).toMatchObject({ serves: 'standard' });
    await page.getByRole('link', { name: 'Open', exact: true }).last().click();
    await standard.waitFor();
    await expect.poll(() => page.getByLabel('Start of day').inputValue()).toBe('06:30');
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('is not switched if its configuration decides', async () => {
    const server = await Server.start({ webpath, args: ['--webui', 'standard'] });
    onTestFinished(() => server.stop());
    const visitor = await Visitor.open(browser, server.url);
    await load(visitor.page, `${server.url}/timberline/#/settings`);
    await visitor.page.getByText("The server's configuration decides which one.").waitFor();
    expect(await visitor.page.getByRole('group', { name: "Shown at the server's address" }).count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
