import type { Direction, Per } from './sheet';

/** What the setting `timberline.report` keeps. Members that this page does not know stay in it. */
export interface Preferences {
  readonly by: 'category' | 'project';
  /** How many names of a category make a group; 0 for all. */
  readonly depth: number;
  readonly minutes: number;
  readonly per: Per;
  readonly direction: Direction;
  readonly currency: string;
  /** Money for an hour, by group (its path as JSON). */
  readonly rates: Readonly<Record<string, number>>;
  /** Groups that do not count. */
  readonly without: readonly string[];
}

export const ROUNDINGS = [0, 5, 6, 10, 15, 30] as const;

/** Settings are outside data: what cannot be used is as if it were not there. */
export function preferencesFrom(stored: Readonly<Record<string, unknown>>): Preferences {
  const { by, depth, minutes, per, direction, currency, rates, without } = stored;
  return {
    by: by === 'project' ? 'project' : 'category',
    depth: depth === 0 || depth === 2 ? depth : 1,
    minutes: ROUNDINGS.find((m) => m === minutes) ?? 0,
    per: per === 'day' ? 'day' : 'entry',
    direction: direction === 'up' ? 'up' : 'nearest',
    currency: typeof currency === 'string' && /^[A-Z]{3}$/.test(currency) ? currency : 'EUR',
    rates: ratesFrom(rates),
    without: Array.isArray(without) ? without.filter((key) => typeof key === 'string') : ['["Uncategorized"]'],
  };
}

function ratesFrom(stored: unknown): Record<string, number> {
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(
    Object.entries(stored).filter(
      (entry): entry is [string, number] => Number.isFinite(entry[1]) && Number(entry[1]) >= 0,
    ),
  );
}
