import { describe, expect, it } from 'vitest';
import { Temporal, type Calendar } from '../../calendar';
import { goalFrom, isMet, roundsOf, streakOf, type Goal } from './goals';

const calendar: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };
const limit: Goal = { id: 'a', category: ['Media'], kind: 'limit', seconds: 3600, per: 'day' };
const target: Goal = { ...limit, kind: 'target' };
const first = Temporal.PlainDate.from('2026-06-01'); // a Monday
const days = (...seconds: number[]) => seconds.map((value, i) => ({ date: first.add({ days: i }), seconds: value }));
const at = (day: number) => first.add({ days: day });

describe('a goal', () => {
  it('is met at its value, whatever the last bit of the sum says', () => {
    expect(isMet(limit, 3600.0000001)).toBe(true);
    expect(isMet(limit, 3601)).toBe(false);
    expect(isMet(target, 3599.9999999)).toBe(true);
    expect(isMet(target, 3599)).toBe(false);
  });

  it('is read from the setting, and what is none is not', () => {
    expect(goalFrom(limit)).toEqual(limit);
    for (const wrong of [
      null,
      'x',
      {},
      { ...limit, category: [] },
      { ...limit, per: 'year' },
      { ...limit, seconds: '1' },
    ])
      expect(goalFrom(wrong)).toBeNull();
  });
});

describe('streaks', () => {
  const streak = (goal: Goal, now: number, used: number[], all = used.map(() => 9)) =>
    streakOf(goal, roundsOf(goal, days(...used), days(...all), calendar, at(now)));

  it('count the rounds in a row', () => {
    expect(streak(limit, 5, [0, 4000, 10, 10, 10, 10])).toEqual({ now: 3, best: 3, kept: 4, broken: 1 });
  });

  it('leave the present round out until nothing can change it', () => {
    expect(streak(limit, 2, [0, 0, 0]).now).toBe(2);
    expect(streak(limit, 2, [0, 0, 4000])).toEqual({ now: 0, best: 2, kept: 2, broken: 1 });
    expect(streak(target, 2, [4000, 4000, 10]).now).toBe(2);
    expect(streak(target, 2, [4000, 4000, 4000]).now).toBe(3);
  });

  it('pass over days on which nothing was recorded', () => {
    expect(streak(target, 4, [4000, 0, 0, 4000, 0], [9, 0, 0, 9, 0])).toEqual({ now: 2, best: 2, kept: 2, broken: 0 });
  });

  it('are of weeks for a goal of weeks', () => {
    const weekly = { ...target, per: 'week' as const };
    const used = Array.from({ length: 15 }, (_, i) => (i === 3 ? 4000 : i === 9 ? 3000 : 0));
    const rounds = roundsOf(weekly, days(...used), days(...used.map(() => 1)), calendar, at(14));
    expect(rounds.map((r) => [r.seconds, r.met, r.over])).toEqual([
      [4000, true, true],
      [3000, false, true],
      [0, false, false],
    ]);
    expect(streakOf(weekly, rounds)).toEqual({ now: 0, best: 1, kept: 1, broken: 1 });
  });
});
