import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST, today } from './fill';
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

it('plays with fake data, which are marked, and removes them with one click', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/welcome');
  await page.getByLabel('How long').selectOption('30');
  await page.getByRole('button', { name: 'Make fake data' }).click();
  await page.getByText('There is fake data.').waitFor();
  const mark = page.getByText('You are looking at fake data.');
  await mark.waitFor();
  const counts = await server.get<{ buckets: { count: number }[] }>('/api/1/buckets');
  expect(counts.buckets.reduce((sum, bucket) => sum + bucket.count, 0)).toBeGreaterThan(1000);
  await visitor.go('/data');
  await mark.waitFor();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('The fake data is removed.').waitFor();
  await mark.waitFor({ state: 'detached' });
  await page.getByText('There are no buckets yet').waitFor();
  expect((await server.get<{ buckets: unknown[] }>('/api/1/buckets')).buckets).toEqual([]);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('begins with the page that says how to begin, until there are events', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await page.goto(server.url);
  await page.getByRole('heading', { level: 1, name: 'Welcome' }).waitFor();
  await page.getByText('Waiting for the first watcher').waitFor();
  await fillDay(server, today());
  // The page notices it by itself.
  await page.getByText('You already have data.').waitFor();
  await page.getByRole('link', { name: `aw-watcher-window_${HOST}` }).waitFor();
  await page.goto('about:blank');
  await page.goto(server.url);
  await page.waitForFunction(() => location.hash === '#/activity');
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  expect(await page.getByRole('heading', { name: 'Welcome' }).count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});
