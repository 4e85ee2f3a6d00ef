import { isUncategorized, pathOf, type Category, type Group } from './types';

/** A category with the time of everything in it. */
export interface Branch {
  readonly path: Category;
  readonly name: string;
  /** Seconds, with those of all below. */
  total: number;
  /** Seconds of the category itself. */
  own: number;
  /** Seconds of the period before, with those of all below. */
  before: number;
  children: Branch[];
}

/** The categories as a tree, the longest first at each level, and what has none last. The roots add up to the sum of the groups. */
export function categoryTree(groups: readonly Group[]): Branch[] {
  const roots: Branch[] = [];
  const byPath = new Map<string, Branch>();
  const branchOf = (path: Category): Branch => {
    const key = JSON.stringify(path);
    const known = byPath.get(key);
    if (known !== undefined) return known;
    const made: Branch = { path, name: path.at(-1) ?? '', total: 0, own: 0, before: 0, children: [] };
    byPath.set(key, made);
    (path.length > 1 ? branchOf(path.slice(0, -1)).children : roots).push(made);
    return made;
  };
  for (const group of groups) {
    const path = pathOf(group.value);
    branchOf(path).own += group.duration;
    for (let depth = path.length; depth > 0; depth -= 1) {
      const branch = branchOf(path.slice(0, depth));
      branch.total += group.duration;
      branch.before += group.before ?? 0;
    }
  }
  for (const branch of byPath.values()) branch.children.sort(longestFirst);
  return roots.sort(longestFirst);
}

export function longestFirst<T extends { readonly path: Category; readonly total: number }>(a: T, b: T): number {
  const last = Number(isUncategorized(a.path)) - Number(isUncategorized(b.path));
  return last === 0 ? b.total - a.total : last;
}
