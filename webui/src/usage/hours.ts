import { Temporal } from '../calendar';
import type { Usage } from './types';

/** The usual week: for each day of the week (0: Monday) and each hour of the clock the mean seconds. */
export interface UsualWeek {
  readonly mean: number[][];
  /** How many of each day of the week there were. */
  readonly days: number[];
}

/**
 * From a usage by hour. The hours after midnight belong to the day that they end, as everywhere. The hour that a change of the clock doubles counts
 * twice, the one that it leaves out not at all.
 */
export function usualWeek(usage: Usage): UsualWeek {
  const sums = Array.from({ length: 7 }, () => new Array<number>(24).fill(0));
  const dates = Array.from({ length: 7 }, () => new Set<string>());
  for (const { start, date, duration } of usage.intervals) {
    const day = date ?? start.slice(0, 10);
    const weekday = Temporal.PlainDate.from(day).dayOfWeek - 1;
    const hour = Number(start.slice(11, 13));
    const row = sums[weekday];
    if (row?.[hour] === undefined) continue;
    row[hour] += duration;
    dates[weekday]?.add(day);
  }
  const days = dates.map((set) => set.size);
  return { mean: sums.map((row, i) => row.map((sum) => sum / Math.max(days[i] ?? 0, 1))), days };
}
