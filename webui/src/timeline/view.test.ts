import { describe, expect, it } from 'vitest';
import { around, clamp, DAY, fit, length, LONGEST, pan, Scale, SHORTEST, uncovered, YEAR, zoom } from './view';

const march = { start: Date.UTC(2026, 2, 2), end: Date.UTC(2026, 2, 3) };

describe('zoom', () => {
  it('keeps the time below the pointer where it is, however far', () => {
    for (const factor of [0.3, 0.9, 1.7, 40]) {
      const anchor = march.start + 0.37 * DAY;
      const before = new Scale(march, 1200).x(anchor);
      const after = new Scale(zoom(march, factor, anchor), 1200).x(anchor);
      expect(after).toBeCloseTo(before, 3);
    }
  });

  it('ends at a second and at twenty years', () => {
    let close = march;
    let far = march;
    for (let i = 0; i < 100; i += 1) {
      close = zoom(close, 0.5, march.start + 1000);
      far = zoom(far, 2, march.start + 1000);
    }
    expect(length(close)).toBeCloseTo(SHORTEST, 6);
    expect(length(far)).toBeCloseTo(LONGEST, 0);
  });
});

describe('a view', () => {
  it('keeps its length when it is moved, also at the ends of what can be written', () => {
    expect(length(pan(march, -80 * YEAR))).toBeCloseTo(DAY, 3);
    expect(pan(march, -80 * YEAR).start).toBe(0);
  });

  it('is something whatever it is made of', () => {
    expect(length(clamp({ start: NaN, end: 3 }))).toBe(DAY);
    expect(length(fit({ start: march.start, end: march.start }))).toBeGreaterThanOrEqual(SHORTEST);
  });
});

describe('a panel at the right edge', () => {
  const view = { start: 0, end: 1000 };

  it('moves what it covers into sight, and nothing else', () => {
    const moved = uncovered(view, { start: 900, end: 950 }, 1000, 400);
    expect(moved).not.toBeNull();
    const scale = new Scale(moved ?? view, 1000);
    expect(scale.x(950)).toBeLessThanOrEqual(600);
    expect(scale.x(900)).toBeGreaterThan(0);
    expect(uncovered(view, { start: 100, end: 200 }, 1000, 400)).toBeNull();
    // A narrow screen has no room beside it.
    expect(uncovered(view, { start: 900, end: 950 }, 500, 400)).toBeNull();
  });
});

it('shows a span with half of its length around it', () => {
  expect(around({ start: 100, end: 200 })).toEqual({ start: 50, end: 250 });
});
