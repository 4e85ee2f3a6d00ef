import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { Server } from './server';

// `npm run pictures` takes the pictures of docs/getting-started.md, README.md and docs/webui.md anew. It does what docs/getting-started.md says, on an
// empty store, so it also shows whether that is still true.

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const MOST_BYTES = 150_000;

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
  await mkdir(IMAGES, { recursive: true });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** The last Wednesday before today: a working day with much to see, whenever the pictures are taken. */
function workday(): string {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 4) % 7 || 7));
  return day.toISOString().slice(0, 10);
}

/** What is still being loaded is grey; a picture waits until nothing is. */
async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(500);
  await page.waitForFunction(() => document.querySelector('.skeleton, [aria-busy="true"]') === null, null, {
    timeout: 60_000,
  });
  await page.waitForTimeout(700);
}

async function take(page: Page, name: string): Promise<void> {
  // The browser of a test has no scrollbar, so the place for it would look like a fault.
  await page.evaluate(() => document.documentElement.style.setProperty('scrollbar-gutter', 'auto'));
  await settled(page);
  const png = await page.screenshot({ scale: 'css' });
  const webp = await toWebp(png);
  expect(webp.length, `${name} is larger than ${MOST_BYTES} bytes`).toBeLessThan(MOST_BYTES);
  await writeFile(`${IMAGES}${name}.webp`, webp);
}

/** The browser itself can write WebP; at 0.9 the text stays sharp in a third of the bytes. */
async function toWebp(png: Buffer): Promise<Buffer> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const address = await page.evaluate(
    async (source) => {
      const blob = await fetch(source).then((answer) => answer.blob());
      const image = await createImageBitmap(blob);
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      canvas.getContext('2d')?.drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.9);
    },
    `data:image/png;base64,${png.toString('base64')}`,
  );
  await context.close();
  return Buffer.from(address.slice(address.indexOf(',') + 1), 'base64');
}

/** At night today has nothing yet, and a Sunday little. */
async function aDayWithMuch(page: Page): Promise<void> {
  for (let earlier = 0; earlier < 7; earlier += 1) {
    await settled(page);
    const total = await page.locator('.overview .total time').first().getAttribute('datetime');
    if (Number(/[\d.]+/.exec(total ?? '')?.[0] ?? 0) > 4 * 3600) return;
    await page.getByRole('button', { name: 'Earlier' }).click();
  }
}

it('the steps of docs/getting-started.md', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  page.setDefaultTimeout(20_000);
  await page.goto(server.url);
  await page.getByRole('heading', { level: 1, name: 'Welcome' }).waitFor();
  await take(page, 'start-welcome');

  await page.getByLabel('How long').selectOption({ label: 'a year' });
  await page.getByRole('button', { name: 'Make fake data' }).click();
  await page.getByText('events are new').waitFor({ timeout: 120_000 });
  await take(page, 'start-made');

  await page.locator('main').getByRole('link', { name: 'Look at your time' }).first().click();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  await aDayWithMuch(page);
  await take(page, 'start-activity');
  await page.getByText('Year', { exact: true }).click();
  await take(page, 'start-year');

  await page.getByRole('link', { name: 'Categories' }).first().click();
  const left = page.locator('section, article, .card').filter({ hasText: 'has no category' }).last();
  await left.getByText('Apps', { exact: true }).click();
  await left.getByLabel('Category').selectOption({ label: 'Work › Programming' });
  await left.scrollIntoViewIfNeeded();
  await take(page, 'start-category');
  await page.getByRole('button', { name: 'Add “Code” to Work › Programming' }).click();
  const saved = page.locator('.toast', { hasText: '“Code” now belongs to Work › Programming.' });
  await saved.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('link', { name: 'Log' }).first().click();
  const record = page.locator('button[aria-expanded]', { hasText: 'Setting saved' }).first();
  await record.click();
  await page.getByRole('button', { name: 'See the state before it' }).first().click();
  await page.getByText('You are looking at the past').first().waitFor();
  await take(page, 'start-past');
  await page.getByRole('button', { name: 'Back to now' }).click();

  await page.getByRole('link', { name: 'Settings' }).first().click();
  await take(page, 'start-settings');
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('the pages of the product', async () => {
  const day = workday();
  const light = await Visitor.open(browser, server.url);
  await light.go(`/activity?date=${day}`);
  await take(light.page, 'activity');
  await light.go(`/timeline?date=${day}`);
  await light.settled();
  await light.page.waitForTimeout(2000);
  await take(light.page, 'timeline');
  await light.go('/search?q=timberline');
  await take(light.page, 'search');
  await light.go('/trends');
  await take(light.page, 'trends');
  await light.close();
  const dark = await Visitor.open(browser, server.url, { dark: true });
  await dark.go(`/activity?date=${day}&range=week`);
  await take(dark.page, 'activity-dark');
  await dark.close();
  const narrow = await Visitor.open(browser, server.url, { width: 'narrow' });
  await narrow.go(`/activity?date=${day}`);
  await take(narrow.page, 'activity-narrow');
  await narrow.close();
});
