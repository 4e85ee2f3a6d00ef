import { describe, expect, it } from 'vitest';
import { ScrollMap, TALLEST } from './scrollMap';

describe('the scroll bar of many rows', () => {
  it('is plain as long as the browser can hold the rows', () => {
    const map = new ScrollMap(36_000, 600);
    map.scrolled(35_400);
    expect([map.height, map.top, map.settled()]).toEqual([36_000, 35_400, 35_400]);
  });

  it('moves by exact pixels near by, and by shares when it is dragged', () => {
    const map = new ScrollMap(41_000_000, 600);
    expect(map.height).toBe(TALLEST);
    map.scrolled(100);
    map.scrolled(300);
    expect(map.top).toBe(300);
    map.scrolled(map.lastBar / 2);
    expect(map.top).toBeCloseTo(map.lastTop / 2);
  });

  it('reaches both ends, and every row, by the wheel alone', () => {
    const map = new ScrollMap(100_000, 500, 2000);
    let steps = 0;
    while (map.top < map.lastTop) {
      const before = map.top;
      map.scrolled(Math.min(map.bar + 100, map.lastBar));
      expect(map.top - before).toBeLessThanOrEqual(100);
      map.settled();
      steps += 1;
      if (steps > 200_000) expect.unreachable('it does not get on');
    }
    expect(map.top).toBe(99_500);
    map.scrolled(0);
    expect(map.top).toBe(0);
  });

  it('changes nothing that is seen when it settles', () => {
    const map = new ScrollMap(41_000_000, 600);
    map.goTo(12_345_678);
    map.scrolled(map.bar + 700);
    const top = map.top;
    map.settled();
    expect(map.top).toBe(top);
    expect(map.bar / map.lastBar).toBeCloseTo(top / map.lastTop, 6);
  });

  it('keeps its place when rows come and go', () => {
    const map = new ScrollMap(36_000, 600);
    map.goTo(35_000);
    map.resize(10_000, 600);
    expect(map.top).toBe(9400);
  });
});
