import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
import { Server } from './server';

let server: Server;
let browser: Browser;
const ADDRESS = '/query?range=day&date=2026-05-12';
const WINDOWS = `query_bucket("aw-watcher-window_${HOST}")`;

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

async function write(page: Page, program: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Program' }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(program);
}

/** Takes the completion that is offered. CodeMirror lets Enter be a new line while a list is younger than 75 ms, so that nobody takes one by mistake. */
async function take(page: Page): Promise<void> {
  await page.waitForTimeout(300);
  await page.keyboard.press('Enter');
}

const run = (page: Page) => page.keyboard.press('Control+Enter');

it('shows a mistake at its place, and the result when it is mended', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go(ADDRESS);
  await write(page, `events = categorize(${WINDOWS}, __CATEGORIES__); x = floo(events);\nRETURN = events;`);
  await run(page);
  await page.getByRole('alert').getByText('there is no function `floo`').waitFor();
  const underlined = page.locator('.cm-lintRange-error');
  await expect.poll(() => underlined.allTextContents()).toEqual(['floo']);

  await write(page, `RETURN = sum_durations(${WINDOWS});`);
  await underlined.waitFor({ state: 'detached' });
  await run(page);
  await page.locator('.big', { hasText: /^28,800$/ }).waitFor();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  visitor.forget(/status of 400|status 400/);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('shows a result as table, chart, timeline, JSON and CSV', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go(ADDRESS);
  await write(page, `RETURN = {"apps": sort_by_duration(merge_events_by_keys(${WINDOWS}, ["app"])), "n": 3};`);
  await run(page);
  await page.getByText('3 events').waitFor();
  await page.getByRole('gridcell', { name: 'Code', exact: true }).waitFor();
  await visitor.shot('query-table');
  await page.getByRole('radio', { name: 'Chart' }).check({ force: true });
  await page.getByRole('img', { name: 'apps' }).waitFor();
  await expect.poll(() => page.locator('figure tbody tr').first().textContent()).toMatch(/Code.*4\sh 30\smin/);
  await page.getByRole('radio', { name: 'Timeline' }).check({ force: true });
  await page.getByRole('img', { name: /^Code: 4/ }).waitFor();
  await page.getByRole('radio', { name: 'JSON' }).check({ force: true });
  await expect.poll(() => page.locator('pre').textContent()).toContain('"duration": 16200');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV' }).click(),
  ]);
  const csv = await readFile(await download.path(), 'utf8');
  expect(csv.split('\r\n').slice(0, 2)).toEqual([
    'timestamp,duration,app,title',
    expect.stringMatching(/,16200,Code,/),
  ]);
  await visitor.settled();
  expect(await visitor.axe()).toEqual([]);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('completes functions and buckets, and single keys are letters there, not commands', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go(ADDRESS);
  await write(page, '');
  await page.keyboard.type('gs? = query_b');
  const option = page.getByRole('option', { name: /^query_bucket\(/ });
  await option.waitFor();
  expect(await page.evaluate(() => location.hash)).toContain('/query');
  await take(page);
  await page.keyboard.type('"aw-watcher-af');
  await page.getByRole('option', { name: `aw-watcher-afk_${HOST}` }).waitFor();
  await take(page);
  await expect
    .poll(() => page.locator('.cm-line').first().textContent())
    .toBe(`gs? = query_bucket("aw-watcher-afk_${HOST}")`);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('saves a query as the standard web UI does, and remembers what ran', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go('/query?range=last7d');
  await write(page, 'RETURN = 42;');
  await run(page);
  await page.locator('.big', { hasText: /^42$/ }).waitFor();
  await page.getByRole('button', { name: 'Saved queries' }).click();
  await page.getByRole('textbox', { name: 'Save the query as' }).fill('The answer');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await server.get('/api/0/settings/saved_queries')).toMatchObject([
    { name: 'The answer', query_code: 'RETURN = 42;', start_day_offset: -6, end_day_offset: 1 },
  ]);
  await server.post('/api/0/settings/saved_queries', [{ id: '7', name: 'Theirs', query_code: 'RETURN = 7;' }]);
  await page.getByRole('button', { name: 'Saved queries' }).click();
  await page.getByRole('button', { name: /^Theirs/ }).click();
  await page.getByRole('button', { name: 'Run' }).first().click();
  await page.locator('.big', { hasText: /^7$/ }).waitFor();
  await page.reload();
  await expect.poll(() => page.locator('.cm-line').first().textContent()).toBe('RETURN = 7;');
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});

it('says what each call of the query cost, and measures what runs next', async () => {
  const visitor = await Visitor.open(browser, server.url);
  const { page } = visitor;
  await visitor.go(ADDRESS);
  await write(page, `events = ${WINDOWS};\nRETURN = sum_durations(limit_events(events, 2));`);
  await run(page);
  await page.getByRole('button', { name: 'Show the query cost' }).click();
  const costs = page.getByRole('region', { name: 'Query cost' });
  const rows = () =>
    costs
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll('td')].slice(0, 4).map((cell) => cell.textContent?.trim() ?? '')),
      );
  const events = (await server.get<unknown[]>(`/api/0/buckets/aw-watcher-window_${HOST}/events`)).length;
  await expect.poll(rows).toEqual([
    ['1', 'query_bucket', '0', String(events)],
    ['2', 'limit_events', String(events), '2'],
    ['2', 'sum_durations', '2', ''],
    ['', 'between the calls', '', ''],
  ]);
  await visitor.settled();
  await visitor.shot('query-costs');
  expect(await visitor.axe()).toEqual([]);
  await write(page, `RETURN = ${WINDOWS};`);
  await run(page);
  await expect.poll(rows).toEqual([
    ['1', 'query_bucket', '0', String(events)],
    ['', 'between the calls', '', ''],
  ]);
  expect(visitor.complaints).toEqual([]);
  await visitor.close();
});
