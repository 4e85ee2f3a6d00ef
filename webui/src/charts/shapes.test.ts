import { describe, expect, it } from 'vitest';
import { arcPath, arcsOf } from './arcs';
import { durationTicks, labelStride } from './scale';

describe('the axis of durations', () => {
  it('has whole minutes or hours, and ends above the longest', () => {
    expect(durationTicks(3600)).toEqual([0, 900, 1800, 2700, 3600]);
    expect(durationTicks(9 * 3600)).toEqual([0, 3, 6, 9].map((h) => h * 3600));
    expect(durationTicks(0)).toEqual([0, 300]);
    for (const longest of [1, 77, 3601, 40_000, 1e6, 9e7]) {
      const ticks = durationTicks(longest);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(longest);
      expect(ticks.length).toBeLessThanOrEqual(5);
    }
  });

  it('leaves labels out that have no room', () => {
    expect(labelStride(24, 1200, 40)).toBe(1);
    expect(labelStride(24, 300, 40)).toBe(4);
    expect(labelStride(31, 300, 40)).toBe(6);
  });
});

describe('a sunburst', () => {
  const leaf = (total: number) => ({ total, children: [] as never[] });
  const roots = [
    { total: 60, children: [leaf(40), leaf(10)] },
    { total: 40, children: [] },
  ];

  it('gives each part its share, within that of its parent', () => {
    const arcs = arcsOf(roots, 100);
    expect(arcs.map(({ depth, from, to }) => [depth, from, to])).toEqual([
      [0, 0, 0.6],
      [1, 0, 0.4],
      [1, 0.4, 0.5],
      [0, 0.6, 1],
    ]);
  });

  it('draws a whole circle too', () => {
    expect(arcPath(0, 1, 10, 20)).toMatch(/^M.*A20 20 0 1 1 .*Z$/);
    expect(arcPath(0, 0.25, 10, 20)).toContain('A20 20 0 0 1 20.000 0.000');
  });
});
