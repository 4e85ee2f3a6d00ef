import { daysOf, type Calendar, type Range, Temporal } from '../../calendar';
import type { SavedQuery } from '../../settings';

/** A query in the form of the standard web UI: its days count from today, the last one is not included. */
export function toSaved(
  id: string,
  name: string,
  program: string,
  range: Range,
  now: Temporal.PlainDate,
  calendar: Calendar,
): SavedQuery {
  const { first, end } = daysOf(range, calendar);
  return {
    id,
    name,
    query_code: program,
    start_day_offset: now.until(first).days,
    end_day_offset: now.until(end).days,
  };
}

/** The range of a saved query; null if it has none that can be used. */
export function rangeOf(saved: SavedQuery, now: Temporal.PlainDate): Range | null {
  const { start_day_offset: start, end_day_offset: end } = saved;
  if (!Number.isInteger(start) || !Number.isInteger(end) || start === undefined || end === undefined) return null;
  if (Math.abs(start) > 40_000 || Math.abs(end) > 40_000) return null;
  const to = Math.max(end - 1, start);
  if (to === 0) return { kind: 'days', count: 1 - start, date: now };
  return { kind: 'custom', from: now.add({ days: start }), to: now.add({ days: to }) };
}
