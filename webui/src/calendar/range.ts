import { Temporal } from 'temporal-polyfill';
import { startOfDay, startOfWeek, today, type Calendar } from './calendar';

export type Unit = 'day' | 'week' | 'month' | 'year';

/** What a page looks at. `date` is any day of the unit; of the last days it is the last one. */
export type Range =
  | { readonly kind: Unit; readonly date: Temporal.PlainDate }
  | { readonly kind: 'days'; readonly count: number; readonly date: Temporal.PlainDate }
  | { readonly kind: 'custom'; readonly from: Temporal.PlainDate; readonly to: Temporal.PlainDate };

/** Whole days: `first` is included, `end` is not. */
export interface Days {
  readonly first: Temporal.PlainDate;
  readonly end: Temporal.PlainDate;
}

export interface Period {
  readonly start: Temporal.Instant;
  readonly end: Temporal.Instant;
}

export function daysOf(range: Range, calendar: Calendar): Days {
  switch (range.kind) {
    case 'day':
      return { first: range.date, end: range.date.add({ days: 1 }) };
    case 'week': {
      const first = startOfWeek(range.date, calendar);
      return { first, end: first.add({ weeks: 1 }) };
    }
    case 'month': {
      const first = range.date.with({ day: 1 });
      return { first, end: first.add({ months: 1 }) };
    }
    case 'year': {
      const first = range.date.with({ month: 1, day: 1 });
      return { first, end: first.add({ years: 1 }) };
    }
    case 'days': {
      const end = range.date.add({ days: 1 });
      return { first: end.subtract({ days: range.count }), end };
    }
    case 'custom':
      return { first: range.from, end: range.to.add({ days: 1 }) };
  }
}

export function dayCount(range: Range, calendar: Calendar): number {
  const { first, end } = daysOf(range, calendar);
  return first.until(end).days;
}

export function periodOf(range: Range, calendar: Calendar): Period {
  const { first, end } = daysOf(range, calendar);
  return { start: startOfDay(first, calendar), end: startOfDay(end, calendar) };
}

/** The range of the same length that many steps later (negative: earlier). */
export function step(range: Range, steps: number, calendar: Calendar): Range {
  switch (range.kind) {
    case 'day':
      return { ...range, date: range.date.add({ days: steps }) };
    case 'week':
      return { ...range, date: range.date.add({ weeks: steps }) };
    case 'month':
      return { ...range, date: range.date.with({ day: 1 }).add({ months: steps }) };
    case 'year':
      return { ...range, date: range.date.with({ month: 1, day: 1 }).add({ years: steps }) };
    case 'days':
      return { ...range, date: range.date.add({ days: steps * range.count }) };
    case 'custom': {
      const days = steps * dayCount(range, calendar);
      return { ...range, from: range.from.add({ days }), to: range.to.add({ days }) };
    }
  }
}

/** Whether the range ends after the day that it is now, so that there is nothing to see later. */
export function reachesToday(range: Range, calendar: Calendar, now = today(calendar)): boolean {
  return Temporal.PlainDate.compare(daysOf(range, calendar).end, now) > 0;
}

export function includesDay(range: Range, date: Temporal.PlainDate, calendar: Calendar): boolean {
  const { first, end } = daysOf(range, calendar);
  return Temporal.PlainDate.compare(first, date) <= 0 && Temporal.PlainDate.compare(date, end) < 0;
}
