import { describe, expect, it } from 'vitest';
import { scoreOf, scores } from './score';
import { seriesOf } from './series';
import { categoryTree } from './tree';
import type { Usage } from './types';

const usage: Usage = {
  start: '',
  end: '',
  by: 'category',
  duration: 10_000,
  intervals: [
    { start: '', end: '', duration: 6000 },
    { start: '', end: '', duration: 4000 },
  ],
  groups: [
    {
      value: ['Work', 'Code'],
      duration: 5000,
      before: 100,
      intervals: [
        [0, 4000],
        [1, 1000],
      ],
    },
    { value: ['Work'], duration: 1000, before: 50, intervals: [[0, 1000]] },
    { value: null, duration: 1500, intervals: [[1, 1500]] },
    {
      value: ['Media', 'Video'],
      duration: 2000,
      intervals: [
        [0, 1000],
        [1, 1000],
      ],
    },
  ],
  others: { count: 2, duration: 500, intervals: [[1, 500]] },
};
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

describe('the tree of categories', () => {
  const tree = categoryTree(usage.groups);

  it('adds up what is below, and its roots are the whole', () => {
    expect(tree.map((b) => [b.name, b.total, b.own, b.before])).toEqual([
      ['Work', 6000, 1000, 150],
      ['Media', 2000, 0, 0],
      ['Uncategorized', 1500, 1500, 0],
    ]);
    expect(sum(tree.map((b) => b.total)) + usage.others.duration).toBe(usage.duration);
    expect(tree[0]?.children[0]).toMatchObject({ path: ['Work', 'Code'], total: 5000 });
  });
});

describe('series', () => {
  it('stack up to the whole in each interval', () => {
    const series = seriesOf(usage);
    expect(series.map((s) => s.path)).toEqual([['Work'], ['Media'], ['Uncategorized'], []]);
    for (const [i, interval] of usage.intervals.entries()) {
      expect(sum(series.map((s) => s.values[i] ?? 0))).toBe(interval.duration);
    }
  });

  it('are one level deeper below a filter', () => {
    const work = { ...usage, groups: usage.groups.slice(0, 2), others: { count: 0, duration: 0, intervals: [] } };
    expect(seriesOf(work, ['Work']).map((s) => [s.path, s.total])).toEqual([
      [['Work', 'Code'], 5000],
      [['Work'], 1000],
    ]);
  });
});

describe('the score', () => {
  const categories = [
    { name: ['Work'], data: { score: 5 } },
    { name: ['Work', 'Code'] },
    { name: ['Work', 'Meetings'], data: { score: 0 } },
    { name: ['Media'], data: { score: -2 } },
    { name: ['Odd'], data: { score: 'much' } },
  ];

  it('of a category is its own or that of the nearest one above', () => {
    expect(scoreOf(['Work', 'Code', 'Rust'], categories)).toBe(5);
    expect(scoreOf(['Work', 'Meetings'], categories)).toBe(0);
    expect(scoreOf(['Uncategorized'], categories)).toBe(0);
    expect(scoreOf(['Odd'], categories)).toBe(0);
  });

  it('is the sum of hours times score', () => {
    const { sum: points, parts } = scores(usage.groups, categories);
    expect(points).toBeCloseTo((6000 / 3600) * 5 - (2000 / 3600) * 2, 9);
    expect(parts[0]).toMatchObject({ path: ['Work', 'Code'] });
    expect(sum(parts.map((p) => p.points))).toBeCloseTo(points, 9);
  });
});
