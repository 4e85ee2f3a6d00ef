import { longestFirst } from './tree';
import { isWithin, pathOf, type Category, type Usage } from './types';

/** Seconds of a category in each interval. */
export interface Series {
  readonly path: Category;
  readonly values: number[];
  total: number;
}

/**
 * The usage by category as series to stack: those of the level below `root`, longest first. What is listed under `others` is a series with the
 * path `[]`, so that the stack is always the whole.
 */
export function seriesOf(usage: Usage, root: Category = []): Series[] {
  const found = new Map<string, Series>();
  const add = (path: Category, total: number, intervals: readonly (readonly number[])[]) => {
    const key = JSON.stringify(path);
    let series = found.get(key);
    if (series === undefined) {
      series = { path, values: new Array<number>(usage.intervals.length).fill(0), total: 0 };
      found.set(key, series);
    }
    series.total += total;
    for (const [place = -1, seconds = 0] of intervals) {
      if (place >= 0 && place < series.values.length) series.values[place] = (series.values[place] ?? 0) + seconds;
    }
  };
  for (const group of usage.groups) {
    const path = pathOf(group.value);
    add(path.slice(0, isWithin(path, root) ? root.length + 1 : 1), group.duration, group.intervals);
  }
  if (usage.others.duration > 0) add([], usage.others.duration, usage.others.intervals);
  return [...found.values()].sort(longestFirst);
}
