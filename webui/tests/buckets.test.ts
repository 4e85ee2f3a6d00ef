import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { bucket, fillDay, HOST } from './fill';
import { Server } from './server';

const DAY = '2026-03-02';
const PERIOD = `start=${DAY}T00:00:00Z&end=${DAY}T23:59:59Z`;
const OLD = 'aw-watcher-window_old-laptop';
const WINDOWS = `aw-watcher-window_${HOST}`;

interface Event {
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
  await fillDay(server, DAY);
  await bucket(server, OLD, 'currentwindow', [
    { timestamp: '2026-02-02T08:00:00Z', duration: 600, data: { app: 'Old', title: 'one' } },
    { timestamp: '2026-02-02T09:00:00Z', duration: 600, data: { app: 'Old', title: 'two' } },
  ]);
  visitor = await Visitor.open(browser, server.url);
  page = visitor.page;
});

afterEach(async () => {
  await visitor.close();
  await server.stop();
});

const eventsOf = (id: string) => server.get<Event[]>(`/api/0/buckets/${id}/events?limit=-1`);
const ids = async () => Object.keys(await server.get<Record<string, unknown>>('/api/0/buckets'));
const usage = async () => (await server.get<{ duration: number }>(`/api/1/usage?${PERIOD}&by=app`)).duration;
const rowOf = (id: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name: id, exact: true }) });

async function act(id: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${id}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

describe('a bucket', () => {
  it('is merged into another after a preview: nothing is lost, its old name still works, and undo takes it apart', async () => {
    await visitor.go('/data');
    await act(OLD, 'Merge into another');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Into').selectOption(WINDOWS);
    await dialog.getByText('2 events move.').waitFor();
    expect(await eventsOf(OLD), 'a preview changes nothing').toHaveLength(2);
    await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
    await page.getByText(`2 events moved to ${WINDOWS}.`).waitFor();
    await rowOf(OLD).waitFor({ state: 'detached' });
    await rowOf(WINDOWS).getByText(`also ${OLD}`).waitFor();
    expect((await eventsOf(WINDOWS)).filter((event) => event.data['app'] === 'Old')).toHaveLength(2);

    // A watcher that still uses the old name reaches the bucket.
    await server.post(`/api/0/buckets/${OLD}/heartbeat?pulsetime=5`, {
      timestamp: '2026-03-03T08:00:00Z',
      duration: 0,
      data: { app: 'Late', title: 'x' },
    });
    expect((await eventsOf(WINDOWS)).some((event) => event.data['app'] === 'Late')).toBe(true);

    await page.getByRole('button', { name: 'Undo' }).click();
    await rowOf(OLD).waitFor();
    expect((await eventsOf(OLD)).map((event) => event.data['title']).sort()).toEqual(['one', 'two']);
    expect((await eventsOf(WINDOWS)).filter((event) => event.data['app'] === 'Old')).toHaveLength(0);
    expect(visitor.complaints).toEqual([]);
  });

  it('can be merged only with those of its type, as the server wants it', async () => {
    await visitor.go('/data');
    await act(OLD, 'Merge into another');
    const options = page.getByRole('dialog').getByLabel('Into').locator('option');
    expect(await options.allTextContents()).toEqual([WINDOWS]);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect(await eventsOf(OLD)).toHaveLength(2);
    await page.getByRole('button', { name: `Actions for aw-watcher-afk_${HOST}` }).click();
    const merge = page.getByRole('menuitem', { name: 'Merge into another' });
    expect(await merge.getAttribute('aria-disabled')).toBe('true');
    expect(visitor.complaints).toEqual([]);
  });

  it('counts nowhere while it is archived, is kept, and comes back', async () => {
    expect(await usage()).toBe(7 * 3600);
    await visitor.go('/data');
    await act(WINDOWS, 'Archive');
    await page.getByText(`${WINDOWS} is archived`).waitFor();
    await rowOf(WINDOWS).waitFor({ state: 'detached' });
    expect(await ids()).not.toContain(WINDOWS);
    expect(await usage()).toBe(0);

    await page.getByLabel('Show archived').check();
    await rowOf(WINDOWS).getByText('archived').waitFor();
    await act(WINDOWS, 'Bring back from the archive');
    await page.getByText(`${WINDOWS} is back.`).waitFor();
    await expect.poll(ids).toContain(WINDOWS);
    expect(await usage()).toBe(7 * 3600);
    expect(visitor.complaints).toEqual([]);
  });

  it('cannot take the name of another one', async () => {
    await visitor.go('/data');
    await act(OLD, 'Rename');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('New name').fill(WINDOWS);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').first().waitFor();
    expect(await eventsOf(OLD)).toHaveLength(2);
    visitor.forget(/status 4\d\d|status of 4\d\d/);
    expect(visitor.complaints).toEqual([]);
  });
});

describe('part of a text', () => {
  it('is redacted for good after a preview: the rest of the event stays, and no past state has it', async () => {
    const before = await server.get<{ records: { seq: number }[] }>('/api/1/log?limit=1');
    await visitor.go('/data?tab=erase');
    await page.getByText('Part of their text', { exact: true }).click();
    await page.getByLabel('Regular expression').fill('timberline');
    await page.getByLabel('Field', { exact: true }).fill('title');
    await page.getByLabel('Replace it with').fill('secret');
    await page.getByRole('button', { name: 'See what would be erased' }).click();
    await page.getByText('main.rs - timberline').waitFor();
    expect((await eventsOf(WINDOWS)).map(({ data }) => data['title'])).toContain('main.rs - timberline');
    await page.getByLabel('I understand that this cannot be undone.').check();
    await page.getByRole('button', { name: 'Redact for good' }).click();
    await page.getByText('2 events are redacted.').waitFor();

    const titles = (await eventsOf(WINDOWS)).map(({ data }) => String(data['title'])).sort();
    expect(titles.slice(1)).toEqual(['general', 'lib.rs - secret', 'main.rs - secret']);
    const past = await server.get<Event[]>(
      `/api/0/buckets/${WINDOWS}/events?limit=-1&as_of=${before.records[0]?.seq ?? 0}`,
    );
    expect(JSON.stringify(past)).not.toContain('timberline');
    await visitor.go('/search?q=timberline');
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    expect(visitor.complaints).toEqual([]);
  });
});
