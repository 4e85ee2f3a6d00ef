import { expect, it } from 'vitest';
import type { Usage } from '../../../usage';
import { clockOf } from './clock';

/** Hours of the clock in Berlin, over the night whose clocks go back. */
const STARTS = [
  ['2026-10-24T09:00:00+02:00', '2026-10-24'],
  ['2026-10-25T02:00:00+02:00', '2026-10-24'],
  ['2026-10-25T02:00:00+01:00', '2026-10-24'],
  ['2026-10-25T09:00:00+01:00', '2026-10-25'],
] as const;

it('puts the same hour of all days together, categories with most time first', () => {
  const usage = {
    duration: 9000,
    intervals: STARTS.map(([start, date]) => ({ start, end: start, date, duration: 0 })),
    groups: [
      {
        value: ['Media'],
        duration: 2000,
        intervals: [
          [1, 800],
          [2, 1200],
        ],
      },
      {
        value: ['Work', 'Code'],
        duration: 5000,
        intervals: [
          [0, 3000],
          [3, 2000],
        ],
      },
      { value: ['Work'], duration: 1000, intervals: [[1, 1000]] },
    ],
    others: { count: 1, duration: 1000, intervals: [[3, 1000]] },
  } as unknown as Usage;
  const clock = clockOf(usage);
  expect(clock.days).toBe(2);
  expect(clock.most).toBe(6000);
  expect(clock.hours[9]).toEqual([
    { path: ['Work'], seconds: 5000 },
    { path: [], seconds: 1000 },
  ]);
  expect(clock.hours[2]).toEqual([
    { path: ['Work'], seconds: 1000 },
    { path: ['Media'], seconds: 2000 },
  ]);
  expect(clock.hours.flat()).toHaveLength(4);
  expect(clockOf(usage, ['Work']).hours[9]?.[0]).toEqual({ path: ['Work', 'Code'], seconds: 5000 });
});
