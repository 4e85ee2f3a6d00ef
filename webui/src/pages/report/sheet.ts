import type { Category, Usage } from '../../usage';

export type Per = 'entry' | 'day';
export type Direction = 'nearest' | 'up';

export interface Rounding {
  /** Minutes; 0 rounds nothing. */
  readonly minutes: number;
  readonly per: Per;
  readonly direction: Direction;
}

export interface Line {
  readonly key: string;
  readonly path: Category;
  /** As it was. */
  readonly seconds: number;
  /** As it is counted. */
  readonly counted: number;
  /** Of money, in the smallest unit; null without a rate. */
  readonly amount: number | null;
}

export interface SheetDay {
  readonly date: string;
  readonly lines: readonly Line[];
  readonly seconds: number;
  readonly counted: number;
  readonly amount: number;
}

export interface Sheet {
  readonly days: readonly SheetDay[];
  /** The same by group, longest first. */
  readonly groups: readonly Line[];
  readonly seconds: number;
  readonly counted: number;
  readonly amount: number;
}

/** A time of a day: whole steps of the rounding. Times are compared in milliseconds, so that a sum of floats is not rounded up by its last bit. */
export function rounded(seconds: number, { minutes, direction }: Pick<Rounding, 'minutes' | 'direction'>): number {
  if (minutes <= 0) return seconds;
  const step = minutes * 60_000;
  const milliseconds = Math.round(seconds * 1000);
  const steps = direction === 'up' ? Math.ceil(milliseconds / step) : Math.round(milliseconds / step);
  return (steps * step) / 1000;
}

/** Cents of a time at a rate for an hour. Half a cent is rounded up. */
export function amountOf(seconds: number, rate: number): number {
  return Math.round(Number(((seconds / 3600) * rate * 100).toFixed(6)));
}

export interface GroupTimes {
  readonly key: string;
  readonly path: Category;
  /** Seconds on each day. */
  readonly days: readonly number[];
}

/** The groups of a usage by day, put together where `groupOf` gives the same path; null leaves one out. */
export function groupTimes(usage: Usage, groupOf: (value: unknown) => Category | null): GroupTimes[] {
  const groups = new Map<string, { path: Category; days: number[] }>();
  for (const { value, intervals } of usage.groups) {
    const path = groupOf(value);
    if (path === null) continue;
    const key = JSON.stringify(path);
    const group = groups.get(key) ?? { path, days: new Array<number>(usage.intervals.length).fill(0) };
    groups.set(key, group);
    for (const [place = -1, seconds = 0] of intervals) {
      if (group.days[place] !== undefined) group.days[place] += seconds;
    }
  }
  return [...groups].map(([key, group]) => ({ key, ...group }));
}

/**
 * A timesheet. Rounded for each entry, each line of a day is rounded, and the sums are those of the lines. Rounded for each day, the sum of a day is rounded,
 * and its lines share the difference in proportion. Either way every sum is the sum of what is above it.
 */
export function timesheet(
  dates: readonly string[],
  groups: readonly GroupTimes[],
  rounding: Rounding,
  rates: Readonly<Record<string, number>>,
): Sheet {
  const days = dates.map((date, i) => sheetDay(date, i, groups, rounding, rates)).filter((day) => day.lines.length > 0);
  const lines = days.flatMap((day) => day.lines);
  const sums = groups.map(({ key, path }) =>
    sumOf(
      key,
      path,
      lines.filter((line) => line.key === key),
    ),
  );
  return {
    days,
    groups: sums.filter((sum) => sum.seconds > 0).sort((a, b) => b.seconds - a.seconds),
    ...totals(lines),
  };
}

function sheetDay(
  date: string,
  place: number,
  groups: readonly GroupTimes[],
  rounding: Rounding,
  rates: Readonly<Record<string, number>>,
): SheetDay {
  const there = groups.map((g) => ({ ...g, seconds: g.days[place] ?? 0 })).filter(({ seconds }) => seconds > 0);
  there.sort((a, b) => b.seconds - a.seconds);
  const whole = there.reduce((sum, { seconds }) => sum + seconds, 0);
  const factor = whole > 0 ? rounded(whole, rounding) / whole : 0;
  const lines = there.map(({ key, path, seconds }): Line => {
    const counted = rounding.per === 'entry' ? rounded(seconds, rounding) : seconds * factor;
    const rate = rates[key];
    return { key, path, seconds, counted, amount: rate === undefined ? null : amountOf(counted, rate) };
  });
  return { date, lines, ...totals(lines) };
}

function totals(lines: readonly Line[]): { seconds: number; counted: number; amount: number } {
  const sum = (value: (line: Line) => number) => lines.reduce((all, line) => all + value(line), 0);
  return { seconds: sum((l) => l.seconds), counted: sum((l) => l.counted), amount: sum((l) => l.amount ?? 0) };
}

function sumOf(key: string, path: Category, lines: readonly Line[]): Line {
  const { seconds, counted, amount } = totals(lines);
  return { key, path, seconds, counted, amount: lines.some((line) => line.amount !== null) ? amount : null };
}
