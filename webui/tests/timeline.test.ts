import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import { fillDay, HOST } from './fill';
import { Server } from './server';

const WINDOWS = `aw-watcher-window_${HOST}`;
const AFK = `aw-watcher-afk_${HOST}`;
const DATE = '2026-03-02';
/** Ten hours in 1,000 pixels or so: the events of the day are as they are stored. */
const DAY = `/timeline?start=${DATE}T07:00:00Z&end=${DATE}T17:00:00Z`;

interface Event {
  id: number;
  timestamp: string;
  duration: number;
  data: Record<string, unknown>;
}

let server: Server;
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

beforeEach(async () => {
  server = await Server.start();
  await fillDay(server, DATE);
  return () => server.stop();
});

afterAll(async () => {
  await browser.close();
});

const events = (bucket: string) => server.get<Event[]>(`/api/0/buckets/${bucket}/events`);
const stage = (page: Page) => page.getByRole('application', { name: 'Timeline' });

/** Where a time of a lane is on the screen. */
async function placeOf(page: Page, lane: string, time: string): Promise<{ x: number; y: number }> {
  const box = await stage(page).boundingBox();
  const row = await page.locator('li', { hasText: lane }).first().boundingBox();
  if (box === null || row === null) throw new Error(`no lane ${lane}`);
  const query = new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]);
  const [start, end] = [Date.parse(query.get('start') ?? ''), Date.parse(query.get('end') ?? '')];
  return {
    x: box.x + ((Date.parse(`${DATE}T${time}:00Z`) - start) / (end - start)) * box.width,
    y: row.y + row.height / 2,
  };
}

/** The lanes are drawn when the table for screen readers has their events. Nothing moves any more when all else is there too. */
async function ready(visitor: Visitor): Promise<void> {
  await visitor.page.locator('table', { hasText: 'main.rs' }).waitFor({ state: 'attached' });
  await visitor.settled();
}

async function click(page: Page, lane: string, time: string): Promise<void> {
  const { x, y } = await placeOf(page, lane, time);
  await page.mouse.click(x, y);
}

async function mark(page: Page, from: string, to: string): Promise<void> {
  const [a, b] = [await placeOf(page, 'window', from), await placeOf(page, 'window', to)];
  await page.keyboard.down('Shift');
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move((a.x + b.x) / 2, a.y);
  await page.mouse.move(b.x, b.y);
  await page.mouse.up();
  await page.keyboard.up('Shift');
}

const panel = (page: Page) => page.getByRole('complementary').last();

describe('the timeline', () => {
  it('zooms to an event, edits it, and it is still edited after a reload', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await click(page, 'window', '13:00');
    await page.getByRole('heading', { name: 'Code', level: 2 }).waitFor();
    await page.getByRole('button', { name: 'Zoom to it' }).click();
    await page.waitForFunction(() => /start=2026-03-02T11%3A/.test(location.hash));
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('textbox', { name: 'title' }).fill('lib.rs - edited');
    await page.getByRole('textbox', { name: 'Duration' }).fill('1:00:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The event is changed.').waitFor();
    const edited = (await events(WINDOWS)).find((event) => event.data['title'] === 'lib.rs - edited');
    expect(edited).toMatchObject({ timestamp: `${DATE}T12:00:00Z`, duration: 3600, data: { app: 'Code' } });
    await page.reload();
    await page.locator('table', { hasText: 'lib.rs - edited' }).waitFor({ state: 'attached' });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('deletes what touches a marked range, after it has shown it, and undoes that', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await mark(page, '09:00', '10:30');
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByText('4 events overlap this time and match.').waitFor();
    for (const other of [AFK, `aw-watcher-web-firefox_${HOST}`]) await page.getByLabel(other).uncheck();
    await page.getByText('2 events overlap this time and match.').waitFor();
    expect(await events(WINDOWS)).toHaveLength(4);
    await page.getByRole('button', { name: 'Delete 2 events' }).click();
    await page.getByText('2 events are deleted.').waitFor();
    expect((await events(WINDOWS)).map((event) => event.data['app'])).toEqual(['Slack', 'Code']);
    expect(await events(AFK)).toHaveLength(3);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => events(WINDOWS).then((all) => all.length)).toBe(4);
    await ready(visitor);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('adds up a range as the server does', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    let query = new URLSearchParams();
    page.on('response', (response) => {
      if (response.url().includes('/api/1/usage')) query = new URL(response.url()).searchParams;
    });
    await mark(page, '09:10', '14:40');
    await page.locator('[data-total]').waitFor();
    await visitor.settled();
    const usage = await server.get<{ duration: number; groups: { duration: number }[] }>(
      `/api/1/usage?start=${query.get('start')}&end=${query.get('end')}&by=category`,
    );
    expect(await page.locator('[data-total]').getAttribute('data-total')).toBe(String(usage.duration));
    const shown = await page
      .locator('[data-seconds]')
      .evaluateAll((all) => all.map((li) => li.getAttribute('data-seconds')));
    expect(shown).toEqual(usage.groups.map((group) => String(group.duration)));
    // From 09:10 to 14:40 without the hour away; the ends are as exact as a pixel.
    expect(Math.abs(usage.duration - 4.5 * 3600)).toBeLessThan(120);
    await page.getByText('App', { exact: true }).click();
    const apps = await server.get<{ groups: { value: string; duration: number }[] }>(
      `/api/1/usage?start=${query.get('start')}&end=${query.get('end')}&by=app`,
    );
    await expect
      .poll(() => page.locator('[data-seconds]', { hasText: 'Firefox' }).getAttribute('data-seconds'))
      .toBe(String(apps.groups.find((group) => group.value === 'Firefox')?.duration));
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('splits where it was clicked, and joins again', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await click(page, 'window', '09:00');
    await page.getByRole('button', { name: 'Split here' }).click();
    await page.getByText('The event is split.').waitFor();
    const parts = (await events(WINDOWS)).filter((event) => event.data['title'] === 'main.rs - timberline');
    expect(parts).toHaveLength(2);
    expect(parts.reduce((sum, part) => sum + part.duration, 0)).toBe(7200);
    expect(Math.abs((parts[1]?.duration ?? 0) - 3600)).toBeLessThan(120);
    await page.getByRole('button', { name: 'Join with next' }).click();
    await page.getByText('The events are joined.').waitFor();
    expect((await events(WINDOWS)).filter((event) => event.data['title'] === 'main.rs - timberline')).toHaveLength(1);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('notes what was done while away, and tags a range', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await click(page, 'afk', '11:30');
    await page.getByLabel('What did you do while you were away?').fill('Lunch');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Your time away is noted.').waitFor();
    expect(await events(`aw-watcher-ask-away_${HOST}`)).toMatchObject([
      { timestamp: `${DATE}T11:00:00Z`, duration: 3600, data: { message: 'Lunch' } },
    ]);
    await page.locator('li', { hasText: 'ask-away' }).waitFor();
    await panel(page).getByRole('button', { name: 'Close' }).click();
    await mark(page, '13:00', '14:00');
    await page.getByRole('button', { name: 'Tag' }).click();
    await page.getByLabel('What was it?').fill('Review');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Tagged “Review”.').waitFor();
    expect(await events('aw-stopwatch')).toMatchObject([{ data: { label: 'Review', running: false } }]);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('asks about the absence of a link, once', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    const time = (clock: string) => `${DATE}T${clock}:00%2B00%3A00`;
    const span = `start=${time('09%3A00')}&end=${time('13%3A00')}`;
    await visitor.go(`/timeline?${span}&away=${time('11%3A05')}&away=${time('11%3A50')}`);
    await ready(visitor);
    await page.getByRole('heading', { name: /^Away for 45\s*min$/ }).waitFor();
    const field = page.getByLabel('What did you do while you were away?');
    await expect.poll(() => field.evaluate((input) => input === document.activeElement)).toBe(true);
    await page.keyboard.type('A walk');
    await page.keyboard.press('Enter');
    await page.getByText('Your time away is noted.').waitFor();
    await field.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('away');
    const { hostname } = await server.get<{ hostname: string }>('/api/0/info');
    const [newest] = await events(`aw-watcher-ask-away_${hostname}`);
    expect(newest).toMatchObject({ timestamp: `${DATE}T11:05:00Z`, duration: 2700, data: { message: 'A walk' } });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('is used with the keyboard alone', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await stage(page).focus();
    await page.keyboard.press('ArrowDown');
    await page.locator('[aria-live]', { hasText: /^window: Code/ }).waitFor({ state: 'attached' });
    for (let i = 0; i < 4; i += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Firefox', level: 2 }).waitFor();
    await page.getByRole('button', { name: 'Delete' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('The event is deleted.').waitFor();
    expect((await events(WINDOWS)).map((event) => event.data['app'])).toEqual(['Slack', 'Code', 'Code']);
    await page.keyboard.press('Escape');
    await stage(page).blur();
    await page.keyboard.press('4');
    await page.waitForFunction(
      () => location.hash.includes('start=2026-03-02T03%3A00') && location.hash.includes('end=2026-03-09'),
    );
    await page.keyboard.press('+');
    await page.waitForFunction(() => !location.hash.includes('end=2026-03-09'));
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('shows a past state, and says that it cannot be changed', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    const [slack] = await events(WINDOWS);
    const selection = { bucket: WINDOWS, events: [slack?.id] };
    const { token } = await server.post<{ token: string }>('/api/1/events/delete', selection);
    await server.post('/api/1/events/delete', { token });
    await visitor.go('/log');
    await page.locator('li button[aria-expanded]').first().click();
    await page.getByRole('button', { name: 'See the state before it' }).click();
    await page.evaluate((hash) => (location.hash = hash), DAY);
    await page.locator('table', { hasText: 'Slack' }).waitFor({ state: 'attached' });
    await visitor.settled();
    await click(page, 'window', '13:00');
    await page.getByText('You are looking at the past, which cannot be changed.', { exact: false }).waitFor();
    await panel(page).getByRole('button', { name: 'Delete' }).waitFor({ state: 'detached' });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('keeps the moment of the past in the address', async () => {
    const [slack] = await events(WINDOWS);
    const seq = (await server.get<{ records: { seq: number }[] }>('/api/1/log?limit=1')).records[0]?.seq;
    const selection = { bucket: WINDOWS, events: [slack?.id] };
    const { token } = await server.post<{ token: string }>('/api/1/events/delete', selection);
    await server.post('/api/1/events/delete', { token });
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    const query = async () => new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]);
    const shows = (state: 'attached' | 'detached') => page.locator('table', { hasText: 'Slack' }).waitFor({ state });

    // A copied link shows the past that it was copied in.
    await visitor.go(`${DAY}&as_of=${seq}`);
    await shows('attached');
    await page.getByText(`the state of #${seq}`, { exact: false }).waitFor();
    await page.reload();
    await shows('attached');
    await page.getByRole('button', { name: 'Back to now' }).click();
    await shows('detached');
    await expect.poll(async () => (await query()).get('as_of')).toBeNull();
    expect((await query()).get('start')).toContain(DATE);

    // What another page has chosen comes into the address, and is gone when the address says nothing.
    await page.evaluate(() => (location.hash = '/log'));
    await page.locator('li button[aria-expanded]').first().click();
    await page.getByRole('button', { name: 'See the state before it' }).click();
    await page.evaluate((hash) => (location.hash = hash), DAY);
    await shows('attached');
    await expect.poll(async () => (await query()).get('as_of')).toBe(String(seq));
    await page.evaluate((hash) => (location.hash = hash), DAY);
    await shows('detached');

    // What is no moment is none.
    await visitor.go(`${DAY}&as_of=yesterday`);
    await shows('detached');
    await ready(visitor);
    await expect.poll(async () => (await query()).get('as_of')).toBeNull();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('keeps time, lanes and what is hidden in the address', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    await page.getByRole('button', { name: 'Lane afk' }).click();
    await page.getByRole('menuitem', { name: 'Hide' }).click();
    await page.locator('li', { hasText: 'afk' }).waitFor({ state: 'detached' });
    await page.getByText('Categories', { exact: true }).last().click();
    await page.waitForFunction(() => location.hash.includes('lanes=category'));
    await page.locator('li', { hasText: 'Uncategorized' }).waitFor();
    await page.reload();
    await page.locator('li', { hasText: 'Uncategorized' }).waitFor();
    const hash = await page.evaluate(() => location.hash);
    expect(hash).toContain('hide=b%3Aaw-watcher-afk_laptop');
    expect(hash).toContain('start=2026-03-02T07%3A00');
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('zooms around the pointer with the wheel, and drags', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go(DAY);
    await ready(visitor);
    const { x, y } = await placeOf(page, 'window', '13:00');
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -30);
    await page.waitForFunction(() => !location.hash.includes('start=2026-03-02T07%3A00%3A00'));
    const zoomed = await placeOf(page, 'window', '13:00');
    expect(Math.abs(zoomed.x - x)).toBeLessThan(2);
    await page.mouse.down();
    await page.mouse.move(x + 100, y, { steps: 5 });
    // A pointer that has rested throws nothing: the page goes by the times of the pointer's events, not by its own work.
    await page.waitForTimeout(200);
    await page.mouse.up();
    await expect
      .poll(async () => Math.abs((await placeOf(page, 'window', '13:00')).x - zoomed.x - 100))
      .toBeLessThan(2);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('shows what is recorded while it is recorded', async () => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    await visitor.go('/timeline');
    await ready(visitor);
    await page.keyboard.press('t');
    await page.waitForFunction(() => !location.hash.includes('start=2026-03-0'));
    await server.post(`/api/0/buckets/${WINDOWS}/heartbeat?pulsetime=60`, {
      timestamp: new Date().toISOString(),
      duration: 0,
      data: { app: 'Fresh', title: 'now' },
    });
    await page.locator('table', { hasText: 'Fresh' }).waitFor({ state: 'attached' });
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  for (const width of ['wide', 'narrow'] as const) {
    for (const dark of [false, true]) {
      it(`is accessible and within the screen: ${width}, ${dark ? 'dark' : 'light'}`, async () => {
        const visitor = await Visitor.open(browser, server.url, { width, dark });
        const { page } = visitor;
        await visitor.go(DAY);
        await ready(visitor);
        const name = `timeline-${width}-${dark ? 'dark' : 'light'}`;
        await visitor.shot(name);
        expect.soft(await visitor.axe()).toEqual([]);
        await stage(page).focus();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await panel(page).getByRole('button', { name: 'Edit' }).waitFor();
        await visitor.settled();
        await visitor.shot(`${name}-event`);
        expect.soft(await visitor.axe()).toEqual([]);
        expect.soft(await visitor.overflows()).toBe(false);
        expect(visitor.complaints).toEqual([]);
        await visitor.close();
      });
    }
  }
});
