import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor, type Width } from './browser';
import { Server } from './server';

interface Event {
  id: number;
  timestamp: string;
  duration: number;
  data: Record<string, unknown>;
}

const HOSTILE = '<img src=x onerror=alert(1)> שלום ' + 'very long '.repeat(60);
const STRANGE = 'strange & <b>bucket</b> מדף';
const DAY = Date.parse('2026-03-01T08:00:00Z');

let server: Server;
let browser: Browser;

async function bucket(id: string, type: string, events: readonly Omit<Event, 'id'>[]): Promise<void> {
  const path = `/api/0/buckets/${encodeURIComponent(id)}`;
  await server.post(path, { client: 'test', type, hostname: 'laptop' });
  await server.post(`${path}/events`, events);
}

const minute = (n: number, data: Record<string, unknown>): Omit<Event, 'id'> => ({
  timestamp: new Date(DAY + n * 60_000).toISOString(),
  duration: 30,
  data,
});
const eventsOf = (id: string) => server.get<Event[]>(`/api/0/buckets/${encodeURIComponent(id)}/events?limit=-1`);
const row = (visitor: Visitor, text: string): Locator => visitor.page.getByRole('row').filter({ hasText: text });

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser.close());

// A server for each test: none depends on what another one has left behind.
beforeEach(async () => {
  server = await Server.start();
  await bucket('edits', 'currentwindow', [
    minute(0, { app: 'Code', title: 'first' }),
    minute(1, { app: 'Code', title: 'second' }),
    minute(2, { app: 'Firefox', title: HOSTILE }),
    minute(3, { app: 'Firefox', title: 'my bank account' }),
  ]);
  await bucket(STRANGE, 'currentwindow', [minute(0, { app: HOSTILE })]);
});

afterEach(() => server.stop());

describe('the events of a bucket', () => {
  it('are edited in place, and stay edited', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data/edits');
    await row(visitor, 'second').getByRole('gridcell', { name: 'second' }).dblclick();
    const editor = page.getByRole('textbox', { name: 'Edit title' });
    await editor.fill('second, corrected');
    await editor.press('Enter');
    await page.getByText('1 event changed.').waitFor();
    await page.reload();
    await row(visitor, 'second, corrected').waitFor();
    expect((await eventsOf('edits')).map((e) => e.data['title'])).toContain('second, corrected');

    // A duration that is none is not taken, and Escape keeps the old one.
    await row(visitor, 'first').getByRole('gridcell').nth(2).dblclick();
    const duration = page.getByRole('textbox', { name: 'Edit Duration' });
    await duration.fill('soon');
    await duration.press('Enter');
    await expect.poll(() => duration.getAttribute('aria-invalid')).toBe('true');
    await duration.press('Escape');
    await row(visitor, '30 s').first().waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('are deleted with the keyboard alone, and come back', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data/edits');
    await row(visitor, 'first').waitFor();
    const grid = page.getByRole('grid');
    await expect.poll(() => grid.getAttribute('aria-rowcount')).toBe('5');
    await grid.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Space');
    await page.getByText('1 event selected').waitFor();
    await page.keyboard.press('Delete');
    await page.getByText('1 event deleted.').waitFor();
    await row(visitor, 'first').waitFor({ state: 'detached' });
    await expect.poll(async () => (await eventsOf('edits')).length).toBe(3);
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(visitor, 'first').waitFor();
    await expect.poll(async () => (await eventsOf('edits')).length).toBe(4);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('are found by their text, and changed together after a preview', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data/edits?text=code');
    await row(visitor, 'first').waitFor();
    await expect.poll(() => page.getByRole('grid').getAttribute('aria-rowcount')).toBe('3');
    await page.getByRole('button', { name: 'All that match' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Field', { exact: true }).fill('app');
    await dialog.getByLabel('New value').fill('Editor');
    await dialog.getByRole('button', { name: 'Preview' }).click();
    await dialog.getByText('2 events match').waitFor();
    expect((await eventsOf('edits')).filter((e) => e.data['app'] === 'Editor')).toHaveLength(0);
    await dialog.getByRole('button', { name: 'Change 2 events' }).click();
    await page.getByText('2 events changed.').waitFor();
    expect((await eventsOf('edits')).filter((e) => e.data['app'] === 'Editor')).toHaveLength(2);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(async () => (await eventsOf('edits')).filter((e) => e.data['app'] === 'Code').length).toBe(2);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('have a history, and the whole page shows an earlier state', async () => {
    const before = await server.get<{ records: { seq: number }[] }>('/api/1/log?limit=1');
    const seq = before.records[0]?.seq ?? 0;
    const event = (await eventsOf('edits')).find((e) => String(e.data['title']).startsWith('second'));
    await server.patch(`/api/1/buckets/edits/events/${event?.id}`, { data: { title: 'rewritten' } });
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data/edits');
    await row(visitor, 'rewritten').waitFor();
    await page.getByRole('link', { name: 'Log' }).first().click();
    const slider = page.getByRole('slider', { name: 'Record' });
    await page.getByText('You are looking at the current state.').waitFor();
    await slider.fill(String(seq));
    await page.getByText(`You are looking at the past: the state of #${seq}`).waitFor();
    await page.getByRole('link', { name: 'Data' }).first().click();
    await page.getByRole('link', { name: 'edits', exact: true }).click();
    await row(visitor, 'second').waitFor();
    await row(visitor, 'rewritten').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'All that match' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Back to now' }).click();
    await row(visitor, 'rewritten').waitFor();
    await row(visitor, 'rewritten').getByRole('gridcell').nth(1).click();
    await page.keyboard.press('i');
    await page.getByRole('dialog').getByText('Inserted').waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('erasing', () => {
  it('shows what would be erased, gives a receipt, and nothing is found afterwards', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data?tab=erase');
    await page.getByLabel('Regular expression').fill('(?i)bank');
    await page.getByRole('button', { name: 'See what would be erased' }).click();
    await page.getByText('my bank account').waitFor();
    const erase = page.getByRole('button', { name: 'Erase for good' });
    expect(await erase.isDisabled()).toBe(true);
    await page.getByLabel('I understand that this cannot be undone.').check();
    await erase.click();
    await page.getByText('1 event is erased.').waitFor();
    expect((await eventsOf('edits')).some((e) => String(e.data['title']).includes('bank'))).toBe(false);
    await visitor.go('/data/edits?text=bank');
    await page.getByText('No event contains this text').waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('buckets', () => {
  it('go to the trash and come back; odd names are only text', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data');
    await page.getByRole('button', { name: `Actions for ${STRANGE}` }).click();
    await page.getByRole('menuitem', { name: 'Delete', exact: true }).click();
    await page.getByText(`${STRANGE} is in the trash.`).waitFor();
    await page.getByRole('tab', { name: 'Trash' }).click();
    await page.getByRole('listitem').filter({ hasText: STRANGE }).getByRole('button', { name: 'Restore' }).click();
    await page.getByText('The trash is empty').waitFor();
    await page.getByRole('tab', { name: 'Buckets' }).click();
    await page.getByRole('link', { name: STRANGE }).click();
    await page.getByRole('heading', { level: 1, name: STRANGE }).waitFor();
    await page.getByRole('gridcell').first().waitFor();
    await visitor.settled();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('are imported from a file', async () => {
    const file = {
      buckets: {
        brought: {
          id: 'brought',
          type: 'currentwindow',
          client: 'test',
          hostname: 'old',
          created: '2026-01-01T00:00:00Z',
          events: [minute(0, { app: 'Mail' }), minute(1, { app: 'Mail' })],
        },
      },
    };
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data?tab=move');
    const buffer = Buffer.from(JSON.stringify(file));
    await page.locator('input[type=file]').setInputFiles({ name: 'old.json', mimeType: 'application/json', buffer });
    await page.getByText('2 events imported from old.json.').first().waitFor();
    expect(await eventsOf('brought')).toHaveLength(2);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'bad.json', mimeType: 'application/json', buffer: Buffer.from('{') });
    await page.getByRole('alert').first().waitFor();
    visitor.forget(/status 4\d\d|Failed to load resource/);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('are renamed, and the way back works', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/data');
    await page.getByRole('button', { name: 'Actions for edits' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByLabel('New name').fill('renamed');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'renamed', exact: true }).waitFor();
    expect(await eventsOf('renamed')).toHaveLength(4);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('link', { name: 'edits', exact: true }).waitFor();
    expect(await eventsOf('edits')).toHaveLength(4);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});

describe('every part of the page', () => {
  const places = [
    'data',
    'data?tab=move',
    'data?tab=trash',
    'data?tab=erase',
    'data?tab=privacy',
    'data?tab=backups',
    'data/edits',
    'log',
    'status',
    'welcome',
  ];
  for (const [width, dark] of [
    ['narrow', true],
    ['wide', false],
  ] as [Width, boolean][]) {
    it(`is accessible and within the screen: ${width}, ${dark ? 'dark' : 'light'}`, async () => {
      const visitor = await Visitor.open(browser, server.url, { width, dark });
      for (const place of places) {
        await visitor.go(`/${place}`);
        await visitor.settled();
        await visitor.shot(`u4-${place.replace(/\W/g, '-')}-${width}-${dark ? 'dark' : 'light'}`);
        expect.soft(await visitor.axe(), place).toEqual([]);
        expect.soft(await visitor.overflows(), `${place} is wider than the screen`).toBe(false);
      }
      expect(visitor.complaints).toEqual([]);
      await visitor.close();
    });
  }
});
