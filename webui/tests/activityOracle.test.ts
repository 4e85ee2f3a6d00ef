import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Visitor } from './browser';
import {
  activityOf,
  activityWithoutSound,
  berlinMorning,
  byApp,
  fakeBuckets,
  finished,
  together,
  total,
  withStopwatch,
} from './oracle';
import type { Interval, Plan } from './oracle';
import { Server } from './server';

/** A year, with both days on which clocks change. */
const PLAN: Plan = {
  days: 365,
  start: '2025-01-01',
  zone: 'Europe/Berlin',
  seed: 21,
  devices: 2,
  profile: 'developer',
};

/** What the page says of a period, and the period itself: days begin at four in the morning. */
const PERIODS: readonly [range: string, date: string, first: string, after: string][] = [
  ['day', '2025-03-12', '2025-03-12', '2025-03-13'],
  ['day', '2025-03-15', '2025-03-15', '2025-03-16'],
  // 23 hours: it ends at four in summer time.
  ['day', '2025-03-29', '2025-03-29', '2025-03-30'],
  // 25 hours.
  ['day', '2025-10-25', '2025-10-25', '2025-10-26'],
  ['week', '2025-10-22', '2025-10-20', '2025-10-27'],
  ['month', '2025-03-10', '2025-03-01', '2025-04-01'],
  ['year', '2025-03-10', '2025-01-01', '2026-01-01'],
];

let server: Server;
let browser: Browser;
let buckets: Awaited<ReturnType<typeof fakeBuckets>>;

beforeAll(async () => {
  [server, browser, buckets] = await Promise.all([Server.start(), openBrowser(), fakeBuckets(PLAN)]);
  const run = await server.post<{ id: string }>('/api/1/fake', PLAN);
  await finished(server, run.id);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** What the oracle says: seconds in all, and by app. */
function expected(devices: string, period: Interval): { total: number; apps: Map<string, number> } {
  const activity =
    devices === 'fake-laptop'
      ? withStopwatch(activityOf(buckets, devices), buckets, period)
      : devices === 'fake-desktop'
        ? activityOf(buckets, devices)
        : together(activityWithoutSound(buckets, 'fake-laptop'), activityWithoutSound(buckets, 'fake-desktop'));
  return { total: total(activity, period), apps: byApp(activity, period) };
}

describe.each(['fake-laptop', 'fake-desktop', 'fake-laptop,fake-desktop'])('Activity of %s', (devices) => {
  it.each(PERIODS)('shows for the %s of %s what the events add up to', async (range, date, first, after) => {
    const visitor = await Visitor.open(browser, server.url);
    const { page } = visitor;
    const query = new URLSearchParams({ range, date });
    for (const host of devices.split(',')) query.append('device', host);
    await visitor.go(`/activity?${query.toString()}`);
    await page.waitForFunction(() => performance.getEntriesByName('timberline:ready').length > 0, undefined, {
      timeout: 60_000,
    });
    const wanted = expected(devices, { start: berlinMorning(first, 0), end: berlinMorning(after, 0) });
    // A day may be without one of the devices, a week is not.
    if (range !== 'day') expect(wanted.total).toBeGreaterThan(0);
    const seconds = (texts: (string | null)[]) => texts.map((text) => Number(/^PT([\d.]+)S$/.exec(text ?? '')?.[1]));
    const times = (selector: string) =>
      page.locator(selector).evaluateAll((all) => all.map((element) => element.getAttribute('datetime')));
    const [shown] = seconds(await times('.overview .total time'));
    expect(shown).toBeCloseTo(wanted.total, 2);
    const categories = seconds(await times('.legend time'));
    if (categories.length <= 6) expect(categories.reduce((sum, one) => sum + one, 0)).toBeCloseTo(wanted.total, 1);
    // Apps say their exact time on hover. What has no app is the stopwatch's.
    const rows = await page
      .locator('ul[aria-label="Apps"] li [title]')
      .evaluateAll((all) => all.map((row) => row.getAttribute('title') ?? ''));
    expect(rows.length > 0).toBe(wanted.total > 0);
    for (const row of rows) {
      const [, app = '', hours, minutes, seconds] = /^(.*)\n(\d+):(\d\d):([\d.]+)/s.exec(row) ?? [];
      const found = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
      expect(found, row).toBeCloseTo(wanted.apps.get(app) ?? wanted.apps.get('') ?? 0, 2);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });
});
