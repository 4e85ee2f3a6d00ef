import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
import { BINARY, Server } from './server';

const DAY = '2026-03-02';
const WINDOWS = `aw-watcher-window_${HOST}`;
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

/** Puts a database of aw-server-rust where that keeps it. Our own export writes one, so it has what a server had. */
async function activityWatchIn(home: string): Promise<string> {
  const folder = join(home, '.local', 'share', 'activitywatch', 'aw-server-rust');
  await mkdir(folder, { recursive: true });
  const source = await Server.start();
  try {
    await fillDay(source, DAY);
    const path = join(folder, 'sqlite.db');
    const data = join(source.directory, 'data');
    await promisify(execFile)(BINARY, ['export', '--format', 'sqlite', '--dbpath', data, '--output', path]);
    return path;
  } finally {
    await source.stop();
  }
}

it('begins with the data of ActivityWatch that is on this machine, and does not touch it', async () => {
  let path = '';
  const server = await Server.start({ prepare: async (home) => void (path = await activityWatchIn(home)) });
  onTestFinished(() => server.stop());
  const before = await readFile(path);
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await page.goto(server.url);
  await page.getByRole('heading', { level: 1, name: 'Welcome' }).waitFor();
  const source = page.getByRole('listitem').filter({ hasText: path });
  await source.getByText('3 buckets').waitFor();
  await visitor.settled();
  expect(await visitor.axe()).toEqual([]);
  await visitor.shot('welcome-found');
  await source.getByRole('button', { name: 'Import' }).click();
  await source.getByText('Imported: 8 events are new.').waitFor();
  await page.getByText('You already have data.').waitFor();

  const titles = (await server.get<{ data: { title: string } }[]>(`/api/0/buckets/${WINDOWS}/events`)).map(
    ({ data }) => data.title,
  );
  expect(titles).toEqual([
    'general',
    'lib.rs - timberline',
    '<img src=x onerror=alert(1)> שלום',
    'main.rs - timberline',
  ]);
  // A second time adds nothing.
  await source.getByRole('button', { name: 'Import' }).click();
  await source.getByText('Imported: 0 events are new.').waitFor();
  expect(await server.get(`/api/0/buckets/${WINDOWS}/events/count`)).toBe(4);

  await visitor.go(`/activity?date=${DAY}`);
  await page.locator('.overview .total time[datetime="PT25200.000S"]').waitFor();
  expect(await readFile(path)).toEqual(before);
  expect(await readdir(join(path, '..'))).toEqual(['sqlite.db']);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('says what is wrong with a database that cannot be read, and offers the other ways', async () => {
  const server = await Server.start({
    prepare: async (home) => {
      const folder = join(home, '.local', 'share', 'activitywatch', 'aw-server-rust');
      await mkdir(folder, { recursive: true });
      const { writeFile } = await import('node:fs/promises');
      await writeFile(join(folder, 'sqlite.db'), 'this is no database, but long enough to be one'.repeat(200));
    },
  });
  onTestFinished(() => server.stop());
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/welcome');
  const source = page.getByRole('listitem').filter({ hasText: 'sqlite.db' });
  await source.locator('.problem').waitFor();
  expect(await source.getByRole('button', { name: 'Import' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Make fake data' }).waitFor();
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});
