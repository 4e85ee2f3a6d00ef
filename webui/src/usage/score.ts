import { pathOf, type Category, type Group } from './types';

interface Scored {
  readonly name: Category;
  readonly data?: { readonly score?: unknown };
}

/** The score of a category: its own, or that of the nearest category above that has one, or 0. As in the standard web UI. */
export function scoreOf(path: Category, categories: readonly Scored[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const key = JSON.stringify(path.slice(0, depth));
    const found = categories.find(({ name, data }) => data?.score !== undefined && JSON.stringify(name) === key);
    const score = Number(found?.data?.score);
    if (found !== undefined && Number.isFinite(score)) return score;
  }
  return 0;
}

export interface ScorePart {
  readonly path: Category;
  readonly seconds: number;
  /** Points: hours times the score of the category. */
  readonly points: number;
}

/** What each category adds to the score, the largest part first, and their sum. */
export function scores(groups: readonly Group[], categories: readonly Scored[]): { sum: number; parts: ScorePart[] } {
  const parts = groups.flatMap((group) => {
    const path = pathOf(group.value);
    const points = (group.duration / 3600) * scoreOf(path, categories);
    return points === 0 ? [] : [{ path, seconds: group.duration, points }];
  });
  parts.sort((a, b) => Math.abs(b.points) - Math.abs(a.points));
  return { sum: parts.reduce((sum, part) => sum + part.points, 0), parts };
}
