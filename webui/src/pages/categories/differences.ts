import type { Rule } from './rules';
import { itemsFrom, samePath, type Path } from './tree';

export interface Difference {
  readonly path: Path;
  readonly what: 'added' | 'removed' | 'changed';
  readonly before: Rule | null;
  readonly after: Rule | null;
}

/** What the second list has otherwise than the first, by the paths of the categories. */
export function differences(before: readonly unknown[], after: readonly unknown[]): Difference[] {
  const old = itemsFrom(before);
  const now = itemsFrom(after);
  const found: Difference[] = [];
  for (const item of now) {
    const same = old.find((one) => samePath(one.name, item.name));
    if (same === undefined) found.push({ path: item.name, what: 'added', before: null, after: item.rule });
    else if (looks(same) !== looks(item)) {
      found.push({ path: item.name, what: 'changed', before: same.rule, after: item.rule });
    }
  }
  for (const item of old) {
    if (!now.some((one) => samePath(one.name, item.name))) {
      found.push({ path: item.name, what: 'removed', before: item.rule, after: null });
    }
  }
  return found;
}

const looks = ({ rule, priority, color, score }: ReturnType<typeof itemsFrom>[number]): string =>
  JSON.stringify([rule, priority, color, score]);
