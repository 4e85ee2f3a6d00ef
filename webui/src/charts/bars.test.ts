import { expect, it } from 'vitest';
import { partsOf, pointsOf } from './bars';

const series = [
  { name: 'Work', color: 'green', values: [10, 0] },
  { name: 'Media', color: 'red', values: [20] },
];

it('lists what a column is made of, the longest first, without what is not in it', () => {
  expect(partsOf(series, 0).map(({ name, seconds }) => [name, seconds])).toEqual([
    ['Media', 20],
    ['Work', 10],
  ]);
  expect(partsOf(series, 1)).toEqual([]);
});

it('draws a line through the middles of the columns, and leaves out what is not known', () => {
  expect(pointsOf({ name: 'mean', values: [0, null, 50, 100] }, 100)).toBe('12.5,100 62.5,50 87.5,0');
  expect(pointsOf({ name: 'mean', values: [] }, 100)).toBe('');
});
