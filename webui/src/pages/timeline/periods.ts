import { dayOf, periodOf, Temporal, type Calendar, type Range } from '../../calendar';
import { DAY, fit, HOUR, middle, type Span } from '../../timeline';

export type Period = 'hour' | 'hours' | 'day' | 'week' | 'month' | 'year' | 'all';

/** In the order of the keys 1 to 7. */
export const PERIODS: readonly Period[] = ['hour', 'hours', 'day', 'week', 'month', 'year', 'all'];

/** The period of the calendar around a time: its whole day, week and so on. */
export function periodAround(period: Period, time: number, calendar: Calendar, extent: Span | null): Span {
  switch (period) {
    case 'hour':
      return { start: time - HOUR / 2, end: time + HOUR / 2 };
    case 'hours':
      return { start: time - 3 * HOUR, end: time + 3 * HOUR };
    case 'all':
      return extent === null ? periodAround('year', time, calendar, null) : fit(extent, 0.02);
    default: {
      const date = dayOf(Temporal.Instant.fromEpochMilliseconds(Math.floor(time)), calendar);
      return rangeSpan({ kind: period, date }, calendar);
    }
  }
}

export function rangeSpan(range: Range, calendar: Calendar): Span {
  const { start, end } = periodOf(range, calendar);
  return { start: start.epochMilliseconds, end: end.epochMilliseconds };
}

/** Which period is shown, if it is one, so that the switch can show it. */
export function periodShown(view: Span, calendar: Calendar, extent: Span | null): Period | null {
  const near = (a: number, b: number) => Math.abs(a - b) < (view.end - view.start) / 200;
  const time = middle(view);
  return (
    PERIODS.find((period) => {
      const span = periodAround(period, time, calendar, extent);
      return near(span.start, view.start) && near(span.end, view.end);
    }) ?? null
  );
}

/** From the day before it begins to the day after it ends. */
export function paddedToDays(span: Span): Span {
  return { start: Math.floor(span.start / DAY - 0.5) * DAY, end: Math.ceil(span.end / DAY + 0.5) * DAY };
}
