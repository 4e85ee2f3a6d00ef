import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
import { Server } from './server';

const WINDOWS = `aw-watcher-window_${HOST}`;

interface Event {
  id: number;
  data: Record<string, unknown>;
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
  await fillDay(server, '2026-03-02');
  visitor = await Visitor.open(browser, server.url);
  page = visitor.page;
});

afterEach(async () => {
  await visitor.close();
  await server.stop();
});

const events = () => server.get<Event[]>(`/api/0/buckets/${WINDOWS}/events?limit=-1`);
const titles = async () => (await events()).map(({ data }) => String(data['title'])).sort();
const idOf = async (title: string) => (await events()).find(({ data }) => data['title'] === title)?.id;

/** Changes the title of an event, as another program would. */
async function retitle(from: string, to: string): Promise<void> {
  const path = `/api/1/buckets/${WINDOWS}/events/${await idOf(from)}`;
  await server.patch(path, { data: { app: 'Code', title: to } });
}

/** Opens the newest record of a kind and asks for its undo. */
async function undoNewest(kind: string, at = 0): Promise<void> {
  const record = page.locator('li button[aria-expanded]').filter({ hasText: kind }).nth(at);
  await record.click();
  await page.getByRole('button', { name: 'Undo …' }).click();
}

const dialog = () => page.getByRole('dialog');

describe('the log', () => {
  it('undoes a record after it has said what comes back, and undoes that again', async () => {
    const before = await titles();
    const { token } = await server.post<{ token: string }>('/api/1/events/delete', {
      bucket: WINDOWS,
      events: [await idOf('general'), await idOf('lib.rs - timberline')],
    });
    await server.post('/api/1/events/delete', { token });
    expect(await titles()).toHaveLength(2);

    await visitor.go('/log');
    await undoNewest('Events deleted');
    await dialog().getByText('2 events come back').waitFor();
    expect(await titles(), 'nothing is changed before it is confirmed').toHaveLength(2);
    await dialog().getByRole('button', { name: 'Undo', exact: true }).click();
    await page.getByText(/Record \d+ is undone\./).waitFor();
    expect(await titles()).toEqual(before);

    await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
    await expect.poll(titles).toHaveLength(2);
    expect(visitor.complaints).toEqual([]);
  });

  it('says what was changed again since, and leaves it alone', async () => {
    await retitle('main.rs - timberline', 'first change');
    await retitle('first change', 'second change');
    await visitor.go('/log');
    await undoNewest('Events written', 1);
    await dialog().getByText('Changed again since:').waitFor();
    await dialog().getByText('Nothing would change.').waitFor();
    expect(await dialog().getByRole('button', { name: /^Undo/ }).count()).toBe(0);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    expect(await titles()).toContain('second change');
    expect(visitor.complaints).toEqual([]);
  });

  it('gives a setting its earlier value back, and the pages follow', async () => {
    await server.post('/api/0/settings/theme', 'light');
    await server.post('/api/0/settings/theme', 'dark');
    await visitor.go('/log');
    await page.locator('html[data-theme="dark"]').waitFor();
    await undoNewest('Setting saved');
    await dialog().getByText('1 setting changes').waitFor();
    await dialog().getByRole('button', { name: 'Undo', exact: true }).click();
    await page.locator('html[data-theme="light"]').waitFor();
    expect(await server.get('/api/0/settings/theme')).toBe('light');
    expect(visitor.complaints).toEqual([]);
  });

  it('lists what happens while it happens, and only what is asked for', async () => {
    await visitor.go('/log?kind=events-put');
    await visitor.settled();
    expect(await page.locator('li button[aria-expanded]').count()).toBe(0);
    await retitle('main.rs - timberline', 'live');
    await page.locator('li button[aria-expanded]').filter({ hasText: 'Events written' }).waitFor();
    await server.post('/api/0/settings/theme', 'dark');
    await page.locator('html[data-theme="dark"]').waitFor();
    expect(await page.locator('li button[aria-expanded]').count()).toBe(1);
    expect(visitor.complaints).toEqual([]);
  });
});
