import { startOfWeek, Temporal, type Calendar } from '../calendar';
import { isWithin, pathOf, type Category, type Usage } from './types';

/** Seconds of one day, in all or of one category. */
export interface Day {
  readonly date: Temporal.PlainDate;
  readonly seconds: number;
}

/** The days of a usage that was asked for by day. */
export function daysOfUsage(usage: Usage): Day[] {
  return usage.intervals.map(({ start, date, duration }) => ({ date: dateOf(start, date), seconds: duration }));
}

/** The seconds of a category, with those below it, on each day. */
export function daysOfCategory(usage: Usage, category: Category): Day[] {
  const seconds = new Array<number>(usage.intervals.length).fill(0);
  for (const { value, intervals } of usage.groups) {
    if (!isWithin(pathOf(value), category)) continue;
    for (const [place = -1, part = 0] of intervals) if (seconds[place] !== undefined) seconds[place] += part;
  }
  return usage.intervals.map(({ start, date }, i) => ({ date: dateOf(start, date), seconds: seconds[i] ?? 0 }));
}

function dateOf(start: string, date: string | undefined): Temporal.PlainDate {
  return Temporal.PlainDate.from(date ?? start.slice(0, 10));
}

export type Step = 'day' | 'week' | 'month';

/** The first day of the week or month that the day is in. */
export function stepStart(date: Temporal.PlainDate, step: Step, calendar: Calendar): Temporal.PlainDate {
  if (step === 'day') return date;
  return step === 'month' ? date.with({ day: 1 }) : startOfWeek(date, calendar);
}

function lengthOf(start: Temporal.PlainDate, step: Step): number {
  return step === 'day' ? 1 : step === 'week' ? 7 : start.daysInMonth;
}

export interface Steps {
  /** Whether all days of it are there. */
  readonly whole: boolean[];
  /** The first day of each, in order. */
  readonly starts: Temporal.PlainDate[];
  /** For each day, which of them it is in. */
  readonly placeOfDay: number[];
}

/** Consecutive days as days, weeks or months. */
export function stepsOf(dates: readonly Temporal.PlainDate[], step: Step, calendar: Calendar): Steps {
  const starts: Temporal.PlainDate[] = [];
  const placeOfDay = dates.map((date) => {
    const start = stepStart(date, step, calendar);
    const last = starts.at(-1);
    if (last === undefined || !last.equals(start)) starts.push(start);
    return starts.length - 1;
  });
  const counts = summed(
    dates.map(() => 1),
    { starts, placeOfDay },
  );
  const whole = starts.map((start, i) => counts[i] === lengthOf(start, step));
  return { starts, placeOfDay, whole };
}

/** Sums of each step. */
export function summed(
  values: readonly number[],
  { starts, placeOfDay }: Pick<Steps, 'starts' | 'placeOfDay'>,
): number[] {
  const sums = new Array<number>(starts.length).fill(0);
  for (const [day, value] of values.entries()) {
    const place = placeOfDay[day];
    if (place !== undefined) sums[place] = (sums[place] ?? 0) + value;
  }
  return sums;
}

/** The mean of each value and those before it, `width` in all; null where there are not enough yet, or one of them is not whole. */
export function rolling(values: readonly number[], width: number, whole: readonly boolean[] = []): (number | null)[] {
  return values.map((_, i) => {
    if (i + 1 < width || whole.slice(i + 1 - width, i + 1).includes(false)) return null;
    const window = values.slice(i + 1 - width, i + 1);
    return window.reduce((sum, value) => sum + value, 0) / width;
  });
}
