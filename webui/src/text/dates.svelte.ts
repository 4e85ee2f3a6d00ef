import { Temporal, type Calendar, type Days, type Range, daysOf } from '../calendar';
import { dateFormat } from './formatters';
import { text } from './text.svelte';

/** Dates in the language of the page. Plain dates have no zone; instants are shown in the zone of the calendar. */
export function dateText(date: Temporal.PlainDate, options: Intl.DateTimeFormatOptions = LONG): string {
  return dateFormat(text.locale, { ...options, timeZone: 'UTC' }).format(utc(date));
}

export function instantText(
  instant: Temporal.Instant | string,
  zone: string,
  options: Intl.DateTimeFormatOptions = MOMENT,
): string {
  const milliseconds = typeof instant === 'string' ? Date.parse(instant) : instant.epochMilliseconds;
  if (Number.isNaN(milliseconds)) return '–';
  return dateFormat(text.locale, { ...options, timeZone: zone }).format(milliseconds);
}

/** "Sun, 29 November 2026", "23–29 November 2026", "November 2026", "2026" */
export function rangeText(range: Range, calendar: Calendar): string {
  if (range.kind === 'day') return dateText(range.date);
  if (range.kind === 'month') return dateText(range.date, { month: 'long', year: 'numeric' });
  if (range.kind === 'year') return dateText(range.date, { year: 'numeric' });
  return daysText(daysOf(range, calendar));
}

export function daysText({ first, end }: Days): string {
  const format = dateFormat(text.locale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return format.formatRange(utc(first), utc(end.subtract({ days: 1 })));
}

/** "3 minutes ago", "in 2 days" */
export function agoText(instant: string, now: number = Date.now()): string {
  const seconds = (Date.parse(instant) - now) / 1000;
  const [unit, size] = UNITS.find(([, s]) => Math.abs(seconds) >= s) ?? (['second', 1] as const);
  return new Intl.RelativeTimeFormat(text.locale, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

const LONG: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' };
const MOMENT: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' };
const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const satisfies readonly (readonly [Intl.RelativeTimeFormatUnit, number])[];

function utc(date: Temporal.PlainDate): number {
  return Date.UTC(date.year, date.month - 1, date.day);
}
