import { expect, it } from 'vitest';
import { Temporal, type Calendar, type Range } from '../../calendar';
import { rangeOf, toSaved } from './saved';

const now = Temporal.PlainDate.from('2026-05-10');
const calendar: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };

it('keeps the days of a query, counted from today', () => {
  const week: Range = { kind: 'days', count: 7, date: now };
  const saved = toSaved('1', 'Week', 'RETURN = 1;', week, now, calendar);
  expect(saved).toEqual({ id: '1', name: 'Week', query_code: 'RETURN = 1;', start_day_offset: -6, end_day_offset: 1 });
  expect(rangeOf(saved, now)).toEqual(week);
  const march: Range = { kind: 'month', date: Temporal.PlainDate.from('2026-03-15') };
  const range = rangeOf(toSaved('2', 'March', '', march, now, calendar), now);
  expect(range?.kind === 'custom' && `${range.from.toString()} ${range.to.toString()}`).toBe('2026-03-01 2026-03-31');
});

it('has no days if what is stored cannot be used', () => {
  for (const odd of [
    {},
    { start_day_offset: 0 },
    { start_day_offset: 0.5, end_day_offset: 1 },
    { start_day_offset: -1e9, end_day_offset: 0 },
  ]) {
    expect(rangeOf({ id: 'x', name: 'x', query_code: '', ...odd }, now)).toBeNull();
  }
  expect(rangeOf({ id: 'x', name: 'x', query_code: '', start_day_offset: 0, end_day_offset: 0 }, now)).toEqual({
    kind: 'days',
    count: 1,
    date: now,
  });
});
