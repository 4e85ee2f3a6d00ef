import type { Category, Usage } from '../../../usage';
import { seriesOf } from '../../../usage/series';

export interface HourPart {
  readonly path: Category;
  readonly seconds: number;
}

export interface Clock {
  /** For each hour of the clock, from midnight on, the categories with time in it; those with most time in all come first. */
  readonly hours: readonly (readonly HourPart[])[];
  /** The seconds of the fullest hour. */
  readonly most: number;
  /** How many days the period has. */
  readonly days: number;
}

/** A usage by hour as the hours of one clock. The hour that a change of the clock doubles counts twice. */
export function clockOf(usage: Usage, root: Category = []): Clock {
  const series = seriesOf(usage, root);
  const hourOf = usage.intervals.map(({ start }) => Number(start.slice(11, 13)));
  const hours = Array.from({ length: 24 }, (_, hour) =>
    series
      .map(({ path, values }) => ({
        path,
        seconds: values.reduce((sum, value, i) => (hourOf[i] === hour ? sum + value : sum), 0),
      }))
      .filter(({ seconds }) => seconds > 0),
  );
  const most = Math.max(...hours.map((parts) => parts.reduce((sum, { seconds }) => sum + seconds, 0)));
  const days = new Set(usage.intervals.map(({ start, date }) => date ?? start.slice(0, 10))).size;
  return { hours, most, days };
}
