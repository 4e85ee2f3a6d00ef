import { dayCount, type Calendar, type Range } from '../calendar';
import type { Interval } from './types';

/** What a chart of the range is divided into: enough parts to see a shape, few enough to tell them apart. */
export function intervalOf(range: Range, calendar: Calendar): Interval {
  const days = dayCount(range, calendar);
  if (days <= 2) return 'hour';
  if (range.kind === 'year') return 'month';
  if (days <= 92) return 'day';
  return days <= 400 ? 'week' : 'month';
}
