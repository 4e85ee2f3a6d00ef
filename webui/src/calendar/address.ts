import { Temporal } from 'temporal-polyfill';
import { today, type Calendar } from './calendar';
import type { Range, Unit } from './range';

/** A range as it is written in the address of a page: `range=week&date=2026-11-23`, `range=custom&from=...&to=...`. */
export interface RangeAddress {
  range: string | null;
  date: string | null;
  from: string | null;
  to: string | null;
}

const UNITS: readonly string[] = ['day', 'week', 'month', 'year'] satisfies Unit[];
const MOST_DAYS = 3660;

/** What cannot be read is today: an address is outside data, and a page always shows something. */
export function rangeFrom(address: RangeAddress, calendar: Calendar, now?: Temporal.Instant): Range {
  const date = dateFrom(address.date) ?? today(calendar, now);
  if (address.range === 'custom') {
    const from = dateFrom(address.from);
    const to = dateFrom(address.to);
    if (from !== null && to !== null && Temporal.PlainDate.compare(from, to) <= 0) return { kind: 'custom', from, to };
  }
  const last = /^last(\d{1,4})d$/.exec(address.range ?? '');
  if (last !== null) {
    return { kind: 'days', count: Math.min(Math.max(Number(last[1]), 1), MOST_DAYS), date };
  }
  return { kind: UNITS.includes(address.range ?? '') ? (address.range as Unit) : 'day', date };
}

export function rangeAddress(range: Range): RangeAddress {
  switch (range.kind) {
    case 'days':
      return { range: `last${range.count}d`, date: range.date.toString(), from: null, to: null };
    case 'custom':
      return { range: 'custom', date: null, from: range.from.toString(), to: range.to.toString() };
    default:
      return { range: range.kind, date: range.date.toString(), from: null, to: null };
  }
}

export function dateFrom(text: string | null): Temporal.PlainDate | null {
  if (text === null || !/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' });
  } catch {
    return null;
  }
}
