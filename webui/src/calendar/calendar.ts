import { Temporal } from 'temporal-polyfill';

export type WeekStart = 'Monday' | 'Sunday' | 'Saturday';

/** How a person counts days: where, when a day begins, and which day a week begins with. */
export interface Calendar {
  readonly zone: string;
  /** "HH:MM" */
  readonly dayStart: string;
  readonly weekStart: WeekStart;
}

const WEEKDAY: Record<WeekStart, number> = { Monday: 1, Saturday: 6, Sunday: 7 };

/**
 * The first instant at which the person's clock shows the start of the day of that date, or a later time. This is the server's
 * rule (docs/activity.md): days have no gaps and no overlaps, whatever the zone does.
 */
export function startOfDay(date: Temporal.PlainDate, calendar: Calendar): Temporal.Instant {
  const wanted = date.toPlainDateTime(Temporal.PlainTime.from(calendar.dayStart));
  const earlier = wanted.toZonedDateTime(calendar.zone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(wanted)) return earlier.toInstant();
  // The clock jumps over the wanted time: the day begins with the jump.
  const jump = earlier.getTimeZoneTransition('next');
  return (jump ?? earlier).toInstant();
}

/** The date of the day that the instant belongs to. Before the start of the day it is still yesterday. */
export function dayOf(instant: Temporal.Instant, calendar: Calendar): Temporal.PlainDate {
  let date = instant.toZonedDateTimeISO(calendar.zone).toPlainDate();
  while (Temporal.Instant.compare(startOfDay(date, calendar), instant) > 0) date = date.subtract({ days: 1 });
  for (;;) {
    const next = date.add({ days: 1 });
    if (Temporal.Instant.compare(startOfDay(next, calendar), instant) > 0) return date;
    date = next;
  }
}

export function today(calendar: Calendar, now: Temporal.Instant = Temporal.Now.instant()): Temporal.PlainDate {
  return dayOf(now, calendar);
}

export function startOfWeek(date: Temporal.PlainDate, calendar: Calendar): Temporal.PlainDate {
  return date.subtract({ days: (date.dayOfWeek - WEEKDAY[calendar.weekStart] + 7) % 7 });
}
