// Not from the room's index: this module runs without a browser.
import { stepsOf, summed, type Day } from '../../usage/days';
import type { Category } from '../../usage/types';
import type { Calendar, Temporal } from '../../calendar';
import { today as todayOf } from '../../calendar';

/** At most (limit) or at least (target) so much of a category in each day or week. */
export interface Goal {
  readonly id: string;
  readonly category: Category;
  readonly kind: 'limit' | 'target';
  readonly seconds: number;
  readonly per: 'day' | 'week';
}

/** Goals are outside data. What is none is left out, and kept in the setting. */
export function goalFrom(value: unknown): Goal | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, category, kind, seconds, per } = value as Record<string, unknown>;
  const isPath = Array.isArray(category) && category.length > 0 && category.every((part) => typeof part === 'string');
  if (typeof id !== 'string' || !isPath) return null;
  if ((kind !== 'limit' && kind !== 'target') || (per !== 'day' && per !== 'week')) return null;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return null;
  return { id, category: category as string[], kind, seconds, per };
}

export interface Round {
  /** The day, or the first day of the week. */
  readonly start: Temporal.PlainDate;
  readonly seconds: number;
  /** Whether anything at all was recorded: a round of nothing is neither kept nor broken. */
  readonly recorded: boolean;
  readonly over: boolean;
  readonly met: boolean;
}

/** The rounds of a goal: a day or a week each, the last one is the present one. */
export function roundsOf(
  goal: Goal,
  days: readonly Day[],
  all: readonly Day[],
  calendar: Calendar,
  now = todayOf(calendar),
): Round[] {
  const steps = stepsOf(
    days.map((day) => day.date),
    goal.per,
    calendar,
  );
  const seconds = summed(
    days.map((day) => day.seconds),
    steps,
  );
  const recorded = summed(
    all.map((day) => day.seconds),
    steps,
  );
  const current = stepsOf([now], goal.per, calendar).starts[0];
  return steps.starts.map((start, i) => {
    const value = seconds[i] ?? 0;
    return {
      start,
      seconds: value,
      recorded: (recorded[i] ?? 0) > 0,
      over: current !== undefined && !start.equals(current),
      met: isMet(goal, value),
    };
  });
}

/** Compared in milliseconds: a sum of floats may miss a whole hour by its last bit. */
export function isMet(goal: Goal, seconds: number): boolean {
  const [have, want] = [Math.round(seconds * 1000), Math.round(goal.seconds * 1000)];
  return goal.kind === 'limit' ? have <= want : have >= want;
}

export interface Streak {
  readonly now: number;
  readonly best: number;
  readonly kept: number;
  readonly broken: number;
}

/**
 * How many rounds in a row the goal was met, up to now and at best. The present round counts when nothing can change it: a target that is reached,
 * a limit that is exceeded. Rounds in which nothing was recorded are passed over.
 */
export function streakOf(goal: Goal, rounds: readonly Round[]): Streak {
  let [now, best, kept, broken] = [0, 0, 0, 0];
  for (const round of rounds) {
    if (!round.recorded) continue;
    if (!round.over && round.met === (goal.kind === 'limit')) continue;
    now = round.met ? now + 1 : 0;
    best = Math.max(best, now);
    if (round.met) kept += 1;
    else broken += 1;
  }
  return { now, best, kept, broken };
}
