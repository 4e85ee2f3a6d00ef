import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { dayOf, startOfDay, startOfWeek, type Calendar } from './calendar';

const day = (text: string) => Temporal.PlainDate.from(text);
const at = (text: string) => Temporal.Instant.from(text);
const berlin: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };

function hours(date: string, calendar: Calendar): number {
  const start = startOfDay(day(date), calendar);
  return start.until(startOfDay(day(date).add({ days: 1 }), calendar)).total('hours');
}

describe('the start of a day', () => {
  it('is the time of the setting on the clock of the zone', () => {
    expect(startOfDay(day('2026-07-01'), berlin).toString()).toBe('2026-07-01T02:00:00Z');
    expect(startOfDay(day('2026-12-01'), berlin).toString()).toBe('2026-12-01T03:00:00Z');
  });

  it('makes the days of a clock change 23 and 25 hours long', () => {
    expect(hours('2026-03-28', berlin)).toBe(23);
    expect(hours('2026-10-24', berlin)).toBe(25);
    expect(hours('2026-03-29', { ...berlin, dayStart: '00:00' })).toBe(23);
  });

  it('makes them 23.5 and 24.5 hours long on Lord Howe Island', () => {
    const howe: Calendar = { ...berlin, zone: 'Australia/Lord_Howe', dayStart: '00:00' };
    expect(hours('2026-10-04', howe)).toBe(23.5);
    expect(hours('2026-04-05', howe)).toBe(24.5);
  });

  it('is the jump if the clock jumps over it', () => {
    expect(startOfDay(day('2026-03-29'), { ...berlin, dayStart: '02:30' }).toString()).toBe('2026-03-29T01:00:00Z');
    const paulo: Calendar = { ...berlin, zone: 'America/Sao_Paulo', dayStart: '00:00' };
    expect(startOfDay(day('2017-10-15'), paulo).toString()).toBe('2017-10-15T03:00:00Z');
  });

  it('is the first of two equal times', () => {
    expect(startOfDay(day('2026-10-25'), { ...berlin, dayStart: '02:30' }).toString()).toBe('2026-10-25T00:30:00Z');
  });

  it('leaves the date that Apia left out without time, or with a short day', () => {
    const apia: Calendar = { ...berlin, zone: 'Pacific/Apia', dayStart: '00:00' };
    expect(hours('2011-12-30', apia)).toBe(0);
    expect(hours('2011-12-30', { ...apia, dayStart: '04:00' })).toBe(4);
    expect(hours('2011-12-29', { ...apia, dayStart: '04:00' })).toBe(20);
  });
});

describe('the day of an instant', () => {
  it('is yesterday until the day begins', () => {
    expect(dayOf(at('2026-07-01T01:59:59Z'), berlin).toString()).toBe('2026-06-30');
    expect(dayOf(at('2026-07-01T02:00:00Z'), berlin).toString()).toBe('2026-07-01');
  });

  it('is the day whose start and end surround it, in zones that do strange things', () => {
    for (const zone of [
      'Pacific/Apia',
      'Australia/Lord_Howe',
      'America/Sao_Paulo',
      'Pacific/Kwajalein',
      'Asia/Kathmandu',
    ]) {
      for (const dayStart of ['00:00', '02:30', '04:00', '23:30']) {
        const calendar: Calendar = { zone, dayStart, weekStart: 'Monday' };
        for (const around of [
          '1993-08-21T00:00:00Z',
          '2011-12-30T00:00:00Z',
          '2017-10-15T00:00:00Z',
          '2026-04-05T00:00:00Z',
        ]) {
          for (let hour = -40; hour <= 40; hour += 1) {
            const instant = at(around).add({ minutes: hour * 60 + 17 });
            const date = dayOf(instant, calendar);
            const start = startOfDay(date, calendar);
            const end = startOfDay(date.add({ days: 1 }), calendar);
            expect(Temporal.Instant.compare(start, instant)).toBeLessThanOrEqual(0);
            expect(Temporal.Instant.compare(instant, end)).toBeLessThan(0);
          }
        }
      }
    }
  });
});

it('starts weeks on the day of the setting', () => {
  const wednesday = day('2026-11-25');
  expect(startOfWeek(wednesday, berlin).toString()).toBe('2026-11-23');
  expect(startOfWeek(wednesday, { ...berlin, weekStart: 'Sunday' }).toString()).toBe('2026-11-22');
  expect(startOfWeek(wednesday, { ...berlin, weekStart: 'Saturday' }).toString()).toBe('2026-11-21');
  expect(startOfWeek(day('2026-11-22'), { ...berlin, weekStart: 'Sunday' }).toString()).toBe('2026-11-22');
});
