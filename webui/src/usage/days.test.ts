import { describe, expect, it } from 'vitest';
import { Temporal, type Calendar } from '../calendar';
import { daysOfCategory, daysOfUsage, rolling, stepsOf, summed } from './days';
import { usualWeek } from './hours';
import type { Usage } from './types';

const calendar: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };
const dates = (from: string, count: number) =>
  Array.from({ length: count }, (_, i) => Temporal.PlainDate.from(from).add({ days: i }));

describe('steps', () => {
  it('are weeks and months whose sums are the whole', () => {
    const days = dates('2026-01-28', 10); // a Wednesday
    const values = days.map((_, i) => i + 1);
    const weeks = stepsOf(days, 'week', calendar);
    expect(weeks.starts.map(String)).toEqual(['2026-01-26', '2026-02-02']);
    expect(summed(values, weeks)).toEqual([15, 40]);
    expect(weeks.whole).toEqual([false, false]);
    expect(stepsOf(dates('2026-02-01', 9), 'week', calendar).whole).toEqual([false, true, false]);
    expect(stepsOf(dates('2026-02-01', 29), 'month', calendar).whole).toEqual([true, false]);
    const months = stepsOf(days, 'month', calendar);
    expect(months.starts.map(String)).toEqual(['2026-01-01', '2026-02-01']);
    expect(summed(values, months)).toEqual([10, 45]);
    expect(summed(values, stepsOf(days, 'day', calendar))).toEqual(values);
  });

  it('begin on the day that weeks begin with', () => {
    const weeks = stepsOf(dates('2026-01-28', 10), 'week', { ...calendar, weekStart: 'Sunday' });
    expect(weeks.starts.map(String)).toEqual(['2026-01-25', '2026-02-01']);
  });
});

it('a rolling mean begins when there are enough values', () => {
  expect(rolling([4, 8, 0, 2], 2)).toEqual([null, 6, 4, 1]);
  expect(rolling([4, 8], 1)).toEqual([4, 8]);
  expect(rolling([4, 8], 3)).toEqual([null, null]);
  expect(rolling([4, 8, 2, 1], 2, [false, true, true, false])).toEqual([null, null, 5, null]);
});

const usage = {
  intervals: [
    { start: '2026-06-01T04:00:00+02:00', end: '', date: '2026-06-01', duration: 100 },
    { start: '2026-06-02T04:00:00+02:00', end: '', date: '2026-06-02', duration: 50 },
  ],
  groups: [
    { value: ['Work'], duration: 60, intervals: [[0, 60]] },
    {
      value: ['Work', 'Code'],
      duration: 50,
      intervals: [
        [0, 10],
        [1, 40],
      ],
    },
    {
      value: ['Workshop'],
      duration: 40,
      intervals: [
        [0, 30],
        [1, 10],
      ],
    },
  ],
} as unknown as Usage;

it('the days of a category have what is below it, and nothing else', () => {
  expect(daysOfCategory(usage, ['Work']).map((day) => day.seconds)).toEqual([70, 40]);
  expect(daysOfUsage(usage).map((day) => day.seconds)).toEqual([100, 50]);
});

it('the usual week is a mean over the days that there were', () => {
  const hour = (start: string, date: string, duration: number) => ({ start, end: '', date, duration });
  const { mean, days } = usualWeek({
    intervals: [
      hour('2026-06-01T09:00:00+02:00', '2026-06-01', 1000), // Monday
      hour('2026-06-08T09:00:00+02:00', '2026-06-08', 3000), // Monday
      hour('2026-06-09T01:00:00+02:00', '2026-06-08', 500), // the night after it
      hour('2026-06-07T09:00:00+02:00', '2026-06-07', 0), // Sunday
    ],
  } as unknown as Usage);
  expect(mean[0]?.[9]).toBe(2000);
  expect(mean[0]?.[1]).toBe(250);
  expect(mean[1]?.[1]).toBe(0);
  expect(days).toEqual([2, 0, 0, 0, 0, 0, 1]);
});
