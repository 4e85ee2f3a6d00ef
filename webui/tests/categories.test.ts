import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay } from './fill';
import { Server } from './server';

const DAY = '2026-05-12';
const PERIOD = `start=${DAY}T00:00:00Z&end=${DAY}T23:59:59Z`;
const ADDRESS = `/categories?range=day&date=${DAY}`;
const CODE = 4.5 * 3600;

interface Category {
  name: string[];
  rule?: Record<string, unknown>;
  timberline?: { rule: Record<string, unknown> };
  data?: Record<string, unknown>;
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
  visitor = await Visitor.open(browser, server.url);
  page = visitor.page;
  await visitor.go(ADDRESS);
  await page.getByRole('treeitem', { name: /Programming/ }).waitFor();
});

afterEach(async () => {
  await visitor.close();
  await server.stop();
});

async function hours(): Promise<Record<string, number>> {
  const usage = await server.get<{ groups: { value: string[]; duration: number }[] }>(
    `/api/1/usage?${PERIOD}&by=category`,
  );
  return Object.fromEntries(usage.groups.map(({ value, duration }) => [value.join(' › '), duration]));
}

const classes = () => server.get<Category[]>('/api/0/settings/classes');
const row = (name: string) => page.getByRole('treeitem', { name: new RegExp(`^${name}\\b`) });
const bar = () => page.getByRole('region', { name: 'Unsaved changes' });
const save = () => bar().getByRole('button', { name: 'Save' }).click();
const saved = () => bar().waitFor({ state: 'detached' });

async function create(name: string, regex: string): Promise<void> {
  await page.getByRole('button', { name: 'New category', exact: true }).click();
  const field = page.getByRole('textbox', { name: 'Name', exact: true });
  await field.fill(name);
  await field.press('Tab');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await page.getByRole('textbox', { name: 'Regular expression' }).fill(regex);
}

describe('a rule', () => {
  it('shows the hours that it would move, moves them when it is stored, and gives them back', async () => {
    const before = await hours();
    expect(before['Coding']).toBeUndefined();
    await create('Coding', '^Code$');
    await bar().getByText('Your changes move 4 h 30 min of').waitFor();
    await page.getByText('main.rs - timberline · Code').waitFor({ state: 'attached' });
    await expect.poll(() => row('Coding').textContent()).toMatch(/\+4\sh 30\smin/);
    expect(await hours(), 'nothing is stored before it is saved').toEqual(before);

    await save();
    await saved();
    expect((await hours())['Coding']).toBe(CODE);
    await expect.poll(() => row('Coding').textContent()).toMatch(/^\s*Coding \^Code\$\s+4\sh 30\smin\s*$/);
    expect((await classes()).at(-1)).toMatchObject({ name: ['Coding'], rule: { type: 'regex', regex: '^Code$' } });

    await page.getByRole('button', { name: 'Undo' }).click();
    await row('Coding').waitFor({ state: 'detached' });
    await expect.poll(hours).toEqual(before);
    expect(visitor.complaints).toEqual([]);
  });

  it('of several conditions is one that the standard web UI keeps without seeing it', async () => {
    await create('Mornings', 'Code');
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByRole('menuitem', { name: 'Time of day' }).click();
    await page.getByRole('checkbox', { name: 'Tuesday' }).waitFor();
    await page.getByLabel('To this time of day').fill('13:00');
    await save();
    await saved();
    const stored = (await classes()).find(({ name }) => name[0] === 'Mornings');
    expect(stored?.rule).toEqual({ type: 'none' });
    expect(stored?.timberline?.rule).toMatchObject({
      type: 'and',
      rules: [
        { type: 'regex', regex: 'Code' },
        { type: 'time', from: '09:00', to: '13:00' },
      ],
    });
    // The server's clock is UTC unless it is told otherwise: 09:00 to 10:00 and 12:00 to 13:00 of a Tuesday.
    expect((await hours())['Mornings']).toBe(2 * 3600);
    expect(visitor.complaints).toEqual([]);
  });

  it('that cannot be used is shown at its field, in the words of the server', async () => {
    await create('Broken', 'a(b');
    await page.getByRole('alert').getByText('unclosed group').waitFor();
    const field = page.getByRole('textbox', { name: 'Regular expression' });
    await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
    await expect.poll(() => bar().getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await field.fill('ab');
    await expect.poll(() => bar().getByRole('button', { name: 'Save' }).isDisabled()).toBe(false);
    visitor.forget(/status of 422|status 422/);
    expect(visitor.complaints).toEqual([]);
  });
});

describe('the tree', () => {
  it('is arranged by dragging', async () => {
    await row('IM').dragTo(row('Work'));
    await save();
    await saved();
    expect((await hours())['Work › IM']).toBe(1.5 * 3600);
    expect((await classes()).map(({ name }) => name.join(' › '))).toContain('Work › IM');
    expect(visitor.complaints).toEqual([]);
  });

  it('is arranged with the keyboard alone', async () => {
    await row('Email').focus();
    await page.keyboard.press('Alt+ArrowLeft');
    await page.keyboard.press('Alt+ArrowUp');
    await page.keyboard.press('Control+s');
    await saved();
    const top = (await classes()).filter(({ name }) => name.length === 1).map(({ name }) => name[0]);
    expect(top).toEqual(['Work', 'Media', 'Email', 'Comms']);
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain('Music');
    expect(visitor.complaints).toEqual([]);
  });
});

describe('what has no category', () => {
  it('gets one in one click, and loses it again by undo', async () => {
    const add = page.getByRole('button', { name: /^Add “Code” to / });
    await add.waitFor();
    const before = await hours();
    await page.getByRole('combobox').last().selectOption({ label: 'Work › Programming' });
    await page.getByRole('button', { name: 'Add “Code” to Work › Programming' }).click();
    await add.waitFor({ state: 'detached' });
    await expect.poll(async () => (await hours())['Work › Programming']).toBe(CODE);
    await page.getByRole('button', { name: 'Undo' }).click();
    await add.waitFor();
    await expect.poll(hours).toEqual(before);
    expect(visitor.complaints).toEqual([]);
  });
});

describe('somebody else', () => {
  const theirs = [{ name: ['Theirs'], rule: { type: 'regex', regex: 'Slack' } }];

  it('is followed while nothing is changed here', async () => {
    await server.post('/api/0/settings/classes', theirs);
    await row('Theirs').waitFor();
    await row('Work').waitFor({ state: 'detached' });
    expect(visitor.complaints).toEqual([]);
  });

  it('who changes the categories meanwhile is not overwritten without a word', async () => {
    await create('Mine', '^Code$');
    await bar().getByText('Your changes move').waitFor();
    await server.post('/api/0/settings/classes', theirs);
    const conflict = page.getByRole('alert').filter({ hasText: 'The categories were changed elsewhere' });
    await conflict.getByText('Theirs', { exact: true }).waitFor();
    await expect.poll(() => bar().getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await conflict.getByRole('button', { name: 'Keep mine' }).click();
    await save();
    await saved();
    expect((await classes()).map(({ name }) => name[0])).toContain('Mine');
    expect(visitor.complaints).toEqual([]);
  });
});

describe('versions and files', () => {
  it('bring back what was there before', async () => {
    await server.post('/api/0/settings/classes', [{ name: ['First'], rule: { type: 'regex', regex: 'Code' } }]);
    await server.post('/api/0/settings/classes', [{ name: ['Second'], rule: { type: 'none' } }]);
    await row('Second').waitFor();
    await page.getByRole('button', { name: 'More' }).last().click();
    await page.getByRole('menuitem', { name: 'Versions' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /the oldest version kept/ }).click();
    await dialog.getByText('What it would change now').waitFor();
    await dialog.getByRole('button', { name: 'Load into the editor' }).click();
    await bar().getByText('Your changes move 4 h 30 min').waitFor();
    await save();
    await saved();
    expect((await hours())['First']).toBe(CODE);
    expect(visitor.complaints).toEqual([]);
  });

  it('take categories from one server to another', async () => {
    await create('Coding', '^Code$');
    await page.getByRole('button', { name: 'More' }).last().click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Export as a file' }).click(),
    ]);
    const path = await download.path();
    await bar().getByRole('button', { name: 'Discard' }).click();
    await row('Coding').waitFor({ state: 'detached' });
    await page.locator('input[type=file]').setInputFiles({
      name: 'x.json',
      mimeType: 'application/json',
      buffer: await import('node:fs/promises').then((fs) => fs.readFile(path)),
    });
    await row('Coding').waitFor();
    await bar().getByText('Your changes move 4 h 30 min').waitFor();
    await save();
    await saved();
    expect((await hours())['Coding']).toBe(CODE);
    expect(visitor.complaints).toEqual([]);
  });
});

it('is accessible with a rule open, light and dark, wide and narrow', async () => {
  for (const width of ['wide', 'narrow'] as const) {
    const other = await Visitor.open(browser, server.url, { width, dark: width === 'narrow' });
    await other.go(ADDRESS);
    await other.page.getByRole('treeitem', { name: /Programming/ }).click();
    await other.page.getByRole('textbox', { name: 'Regular expression' }).waitFor();
    await other.page.getByRole('button', { name: 'Add a condition' }).click();
    await other.page.getByRole('menuitem', { name: 'Time of day' }).click();
    await other.page.getByText('What would change').first().waitFor();
    await other.settled();
    expect(await other.axe()).toEqual([]);
    expect(await other.overflows()).toBe(false);
    await other.shot(`categories-rule-${width}`);
    expect(other.complaints).toEqual([]);
    await other.close();
  }
});
