import { describe, expect, it } from 'vitest';
import type { Usage } from '../../usage';
import { csvOf } from './csv';
import { amountOf, groupTimes, rounded, timesheet, type Rounding } from './sheet';

const nearest = (minutes: number): Rounding => ({ minutes, per: 'entry', direction: 'nearest' });
const up = (minutes: number): Rounding => ({ minutes, per: 'entry', direction: 'up' });
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('rounding', () => {
  it('is to whole steps, to the nearest or up', () => {
    for (const minutes of [5, 6, 10, 15, 30]) {
      const step = minutes * 60;
      expect(rounded(step * 3, nearest(minutes))).toBe(step * 3);
      expect(rounded(step * 3, up(minutes))).toBe(step * 3);
      expect(rounded(step * 3 + 1, nearest(minutes))).toBe(step * 3);
      expect(rounded(step * 3 + 1, up(minutes))).toBe(step * 4);
      expect(rounded(step * 3.5, nearest(minutes))).toBe(step * 4);
      expect(rounded(1, nearest(minutes))).toBe(0);
      expect(rounded(1, up(minutes))).toBe(step);
      expect(rounded(0, up(minutes))).toBe(0);
    }
  });

  it('leaves times alone without a step, and is not fooled by the last bit of a float', () => {
    expect(rounded(123.456, nearest(0))).toBe(123.456);
    expect(rounded(0.1 + 0.2 + 899.7, up(15))).toBe(900);
  });
});

it('an amount is whole cents, half of one rounded up', () => {
  expect(amountOf(3600, 80)).toBe(8000);
  expect(amountOf(900, 33.33)).toBe(833);
  expect(amountOf(1800, 0.01)).toBe(1);
  expect(amountOf(3600, 1.005)).toBe(101);
});

const usage = {
  intervals: [{ date: '2026-06-01' }, { date: '2026-06-02' }],
  groups: [
    {
      value: ['Work', 'Code'],
      intervals: [
        [0, 3700],
        [1, 1000],
      ],
    },
    { value: ['Work', 'Mail'], intervals: [[0, 500]] },
    { value: ['Media'], intervals: [[0, 100]] },
    { value: ['Admin'], intervals: [[1, 2000]] },
  ],
} as unknown as Usage;
const groups = groupTimes(usage, (value) => {
  const root = (value as string[])[0] ?? '';
  return root === 'Media' ? null : [root];
});
const dates = ['2026-06-01', '2026-06-02'];
const WORK = '["Work"]';

describe('a timesheet', () => {
  it('has the days with their lines, put together by group', () => {
    const sheet = timesheet(dates, groups, nearest(0), {});
    expect(sheet.seconds).toBe(7200);
    expect(sheet.days.map((d) => d.lines.map((l) => [l.path[0], l.seconds]))).toEqual([
      [['Work', 4200]],
      [
        ['Admin', 2000],
        ['Work', 1000],
      ],
    ]);
    expect(sheet.groups.map((g) => [g.path[0], g.counted, g.amount])).toEqual([
      ['Work', 5200, null],
      ['Admin', 2000, null],
    ]);
  });

  it.each([nearest(15), up(15), { ...up(30), per: 'day' }, { ...nearest(6), per: 'day' }] as Rounding[])(
    'adds up, rounded %o',
    (rounding) => {
      const sheet = timesheet(dates, groups, rounding, { [WORK]: 85.5 });
      const lines = sheet.days.flatMap((day) => day.lines);
      expect(sum(lines.map((l) => l.counted))).toBeCloseTo(sheet.counted, 6);
      expect(sum(sheet.days.map((d) => d.counted))).toBeCloseTo(sheet.counted, 6);
      expect(sum(sheet.groups.map((g) => g.counted))).toBeCloseTo(sheet.counted, 6);
      expect(sum(lines.map((l) => l.amount ?? 0))).toBe(sheet.amount);
      expect(sum(sheet.groups.map((g) => g.amount ?? 0))).toBe(sheet.amount);
      const steps = rounding.per === 'entry' ? lines.map((l) => l.counted) : sheet.days.map((d) => d.counted);
      for (const value of steps)
        expect(value / (rounding.minutes * 60)).toBeCloseTo(Math.round(value / (rounding.minutes * 60)), 9);
    },
  );
});

it('CSV has a line for each group of a day, and no formula', () => {
  const evil = [{ key: 'x', path: ['=cmd|"a"', 'b'], days: [3600, 0] }];
  const sheet = timesheet(dates, evil, nearest(0), { x: 50 });
  const words = {
    date: 'Date',
    group: 'Group',
    seconds: 's',
    hours: 'h',
    counted: 'c',
    rate: 'r',
    amount: 'a',
    currency: 'cur',
  };
  expect(csvOf(sheet, words, { x: 50 }, 'EUR')).toBe(
    'Date,Group,s,h,c,r,a,cur\r\n2026-06-01,"\'=cmd|""a"" > b",3600,1,1,50,50.00,EUR\r\n',
  );
});
