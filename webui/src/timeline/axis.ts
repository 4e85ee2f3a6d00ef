import { dayOf, startOfDay, startOfWeek, Temporal, type Calendar } from '../calendar';
import { DAY, HOUR, length, MINUTE, SECOND, YEAR, type Span } from './view';

export interface Tick {
  readonly time: number;
  readonly label: string;
}

/** A named stretch: a day above its hours, a month above its days. */
export interface Stretch extends Span {
  readonly label: string;
}

export interface Axis {
  readonly ticks: readonly Tick[];
  readonly stretches: readonly Stretch[];
  /** Days of the weekend, where days are wide enough to be seen. */
  readonly weekends: readonly Span[];
}

type Step =
  | { readonly kind: 'clock'; readonly size: number }
  | { readonly kind: 'days' | 'weeks' | 'months' | 'years'; readonly count: number };

const clock = (unit: number, ...counts: number[]): [number, Step][] =>
  counts.map((count) => [unit * count, { kind: 'clock', size: unit * count }]);

/** How far apart ticks can be, from close to far. */
const STEPS: readonly (readonly [number, Step])[] = [
  ...clock(1, 1, 2, 5, 10, 20, 50, 100, 200, 500),
  ...clock(SECOND, 1, 2, 5, 10, 15, 30),
  ...clock(MINUTE, 1, 2, 5, 10, 15, 30),
  ...clock(HOUR, 1, 2, 3, 6, 12),
  [DAY, { kind: 'days', count: 1 }],
  [7 * DAY, { kind: 'weeks', count: 1 }],
  [YEAR / 12, { kind: 'months', count: 1 }],
  [YEAR / 4, { kind: 'months', count: 3 }],
  [YEAR, { kind: 'years', count: 1 }],
  [2 * YEAR, { kind: 'years', count: 2 }],
  [5 * YEAR, { kind: 'years', count: 5 }],
];

const TICK_PIXELS = 62;
const WEEKEND_PIXELS = 5;

/** The axis of a view: ticks at round times of the person's clock and calendar, whatever the clock does in between. */
export function axisOf(view: Span, perPixel: number, calendar: Calendar, locale: string): Axis {
  const step = (STEPS.find(([size]) => size >= perPixel * TICK_PIXELS) ?? STEPS[STEPS.length - 1])?.[1];
  if (step === undefined) return { ticks: [], stretches: [], weekends: [] };
  const format = formats(locale, calendar.zone);
  const weekends = DAY / perPixel >= WEEKEND_PIXELS && length(view) < YEAR ? weekendsOf(view, calendar) : [];
  if (step.kind === 'clock') {
    const ticks = clockTimes(view, step.size, calendar.zone).map((time) => ({
      time,
      label: format.clock(time, step.size),
    }));
    return { ticks, stretches: days(view, calendar, format), weekends };
  }
  const dates = calendarDates(view, step, calendar);
  const ticks = dates.map((date) => ({ time: at(date, calendar), label: format.tick(date, step.kind) }));
  const above = step.kind === 'days' || step.kind === 'weeks' ? 'months' : 'years';
  const stretches =
    step.kind === 'years'
      ? []
      : stretchesOf(calendarDates(view, { kind: above, count: 1 }, calendar), above, calendar, format);
  return { ticks, stretches, weekends };
}

/** Times that are multiples of a step on the clock on the wall. Between two changes of the clock they are evenly spaced. */
function clockTimes(view: Span, size: number, zone: string): number[] {
  const times: number[] = [];
  let from = view.start;
  while (from < view.end) {
    const { offset, change } = clockAt(from, zone);
    const until = Math.min(change, view.end);
    for (let local = Math.ceil((from + offset) / size) * size; local - offset < until; local += size) {
      times.push(local - offset);
    }
    from = Math.max(until, from + 1);
  }
  return times;
}

/** Dates on which something begins, from just before the view to just after it. */
function calendarDates(view: Span, step: Exclude<Step, { kind: 'clock' }>, calendar: Calendar): Temporal.PlainDate[] {
  const first = dayOf(Temporal.Instant.fromEpochMilliseconds(Math.floor(view.start)), calendar);
  let date = first;
  if (step.kind === 'weeks') date = startOfWeek(first, calendar);
  if (step.kind === 'months') date = first.with({ day: 1, month: first.month - ((first.month - 1) % step.count) });
  if (step.kind === 'years') date = first.with({ day: 1, month: 1, year: first.year - (first.year % step.count) });
  const dates = [date];
  while (at(date, calendar) < view.end && dates.length < 1000) {
    date = date.add({ [step.kind]: step.count });
    dates.push(date);
  }
  return dates;
}

function stretchesOf(
  dates: readonly Temporal.PlainDate[],
  kind: 'months' | 'years' | 'days',
  calendar: Calendar,
  format: Formats,
): Stretch[] {
  return dates.flatMap((date, i) => {
    const next = dates[i + 1];
    if (next === undefined) return [];
    return [{ start: at(date, calendar), end: at(next, calendar), label: format.stretch(date, kind) }];
  });
}

function days(view: Span, calendar: Calendar, format: Formats): Stretch[] {
  return stretchesOf(calendarDates(view, { kind: 'days', count: 1 }, calendar), 'days', calendar, format);
}

function weekendsOf(view: Span, calendar: Calendar): Span[] {
  const dates = calendarDates(view, { kind: 'days', count: 1 }, calendar);
  return dates
    .filter((date) => date.dayOfWeek >= 6)
    .map((date) => ({ start: at(date, calendar), end: at(date.add({ days: 1 }), calendar) }));
}

const MOST_KNOWN = 5000;
const starts = new Map<string, number>();

/** When the day begins. Zones are slow to ask, and a zoom asks for the same days in each frame. */
function at(date: Temporal.PlainDate, calendar: Calendar): number {
  const key = `${date.year}-${date.month}-${date.day} ${calendar.dayStart} ${calendar.zone}`;
  let start = starts.get(key);
  if (start === undefined) {
    if (starts.size >= MOST_KNOWN) starts.clear();
    start = startOfDay(date, calendar).epochMilliseconds;
    starts.set(key, start);
  }
  return start;
}

interface ClockStretch {
  readonly zone: string;
  readonly from: number;
  /** When the clock is changed next. */
  readonly change: number;
  readonly offset: number;
}

let stretchesOfClock: readonly ClockStretch[] = [];

/** How far the clock on the wall is from UTC at a time, and until when. */
function clockAt(time: number, zone: string): ClockStretch {
  const known = stretchesOfClock.find((one) => one.zone === zone && time >= one.from && time < one.change);
  if (known !== undefined) return known;
  const here = Temporal.Instant.fromEpochMilliseconds(Math.floor(time)).toZonedDateTimeISO(zone);
  const change = here.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
  const found = { zone, from: Math.floor(time), change, offset: here.offsetNanoseconds / 1e6 };
  stretchesOfClock = [found, ...stretchesOfClock.slice(0, 31)];
  return found;
}

interface Formats {
  clock(time: number, step: number): string;
  tick(date: Temporal.PlainDate, kind: Step['kind']): string;
  stretch(date: Temporal.PlainDate, kind: 'months' | 'years' | 'days'): string;
}

const known = new Map<string, Formats>();

function formats(locale: string, zone: string): Formats {
  const key = `${locale} ${zone}`;
  let found = known.get(key);
  if (found === undefined) {
    found = makeFormats(locale, zone);
    known.set(key, found);
  }
  return found;
}

function makeFormats(locale: string, zone: string): Formats {
  const hours = { hour: '2-digit', minute: '2-digit', timeZone: zone } as const;
  const minute = new Intl.DateTimeFormat(locale, hours);
  const second = new Intl.DateTimeFormat(locale, { ...hours, second: '2-digit' });
  const fraction = new Intl.DateTimeFormat(locale, { second: 'numeric', fractionalSecondDigits: 3, timeZone: zone });
  const plain = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
    return (date: Temporal.PlainDate) => format.format(Date.UTC(date.year, date.month - 1, date.day));
  };
  const ticks = {
    days: plain({ weekday: 'short', day: 'numeric' }),
    weeks: plain({ day: 'numeric', month: 'short' }),
    months: plain({ month: 'short' }),
    years: plain({ year: 'numeric' }),
    clock: plain({}),
  };
  const stretches = {
    days: plain({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
    months: plain({ month: 'long', year: 'numeric' }),
    years: plain({ year: 'numeric' }),
  };
  return {
    clock: (time, step) => (step >= MINUTE ? minute : step >= SECOND ? second : fraction).format(time),
    tick: (date, kind) => ticks[kind](date),
    stretch: (date, kind) => stretches[kind](date),
  };
}
