import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { rangeAddress, rangeFrom } from './address';
import type { Calendar } from './calendar';
import { daysOf, periodOf, reachesToday, step, type Range } from './range';

const berlin: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };
const day = (text: string) => Temporal.PlainDate.from(text);
const days = (range: Range) => {
  const { first, end } = daysOf(range, berlin);
  return `${first.toString()}/${end.toString()}`;
};

describe('a range', () => {
  it('is made of whole days', () => {
    expect(days({ kind: 'week', date: day('2026-11-29') })).toBe('2026-11-23/2026-11-30');
    expect(days({ kind: 'month', date: day('2024-02-29') })).toBe('2024-02-01/2024-03-01');
    expect(days({ kind: 'year', date: day('2026-05-05') })).toBe('2026-01-01/2027-01-01');
    expect(days({ kind: 'days', count: 7, date: day('2026-11-29') })).toBe('2026-11-23/2026-11-30');
    expect(days({ kind: 'custom', from: day('2026-01-31'), to: day('2026-02-01') })).toBe('2026-01-31/2026-02-02');
  });

  it('reaches from the start of its first day to the start of the day after its last', () => {
    const { start, end } = periodOf({ kind: 'month', date: day('2026-03-10') }, berlin);
    expect([start.toString(), end.toString()]).toEqual(['2026-03-01T03:00:00Z', '2026-04-01T02:00:00Z']);
  });

  it('steps by its own length, and months do not lose days at their ends', () => {
    expect(days(step({ kind: 'month', date: day('2026-01-31') }, 1, berlin))).toBe('2026-02-01/2026-03-01');
    expect(days(step({ kind: 'year', date: day('2024-02-29') }, -1, berlin))).toBe('2023-01-01/2024-01-01');
    expect(days(step({ kind: 'days', count: 30, date: day('2026-11-30') }, -1, berlin))).toBe('2026-10-02/2026-11-01');
    expect(days(step({ kind: 'custom', from: day('2026-11-01'), to: day('2026-11-03') }, 2, berlin))).toBe(
      '2026-11-07/2026-11-10',
    );
  });

  it('knows whether there is anything later', () => {
    const now = day('2026-11-29');
    expect(reachesToday({ kind: 'week', date: now }, berlin, now)).toBe(true);
    expect(reachesToday({ kind: 'day', date: day('2026-11-28') }, berlin, now)).toBe(false);
  });
});

describe('the address of a range', () => {
  const nothing = { range: null, date: null, from: null, to: null };
  const now = Temporal.Instant.from('2026-11-29T02:00:00Z'); // 03:00 in Berlin: still the 28th

  it('leads back to the range', () => {
    const ranges: Range[] = [
      { kind: 'week', date: day('2026-11-29') },
      { kind: 'days', count: 90, date: day('2026-11-29') },
      { kind: 'custom', from: day('2026-01-01'), to: day('2026-01-02') },
    ];
    for (const range of ranges) expect(days(rangeFrom(rangeAddress(range), berlin))).toBe(days(range));
  });

  it('is today if it cannot be read', () => {
    for (const date of ['', '2026-13-01', '2026-02-30', 'yesterday', '2026-11-29T00:00', '99999-01-01']) {
      expect(days(rangeFrom({ ...nothing, range: 'day', date }, berlin, now))).toBe('2026-11-28/2026-11-29');
    }
    expect(rangeFrom({ ...nothing, range: 'last0d' }, berlin, now)).toMatchObject({ kind: 'days', count: 1 });
    expect(rangeFrom({ ...nothing, range: 'custom', from: '2026-02-01', to: '2026-01-01' }, berlin, now).kind).toBe(
      'day',
    );
  });
});
