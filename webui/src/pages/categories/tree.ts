import { complete, NONE, readRule, type Rule } from './rules';

/** A category while somebody edits it. `key` stays the same whatever its name becomes. */
export interface Item {
  readonly key: number;
  readonly name: readonly string[];
  readonly rule: Rule;
  readonly priority: number | null;
  readonly color: string | null;
  readonly score: number | null;
  /** As it was stored, with members that this page does not know; null: it was not, it only is in the paths of others. */
  readonly stored: Stored | null;
}

export type Stored = Readonly<Record<string, unknown>>;
export type Path = readonly string[];

export const samePath = (a: Path, b: Path): boolean => a.length === b.length && a.every((name, i) => name === b[i]);
export const isWithin = (path: Path, root: Path): boolean => samePath(path.slice(0, root.length), root);
export const last = (path: Path): string => path.at(-1) ?? '';

export function itemsFrom(categories: readonly unknown[]): Item[] {
  const items: Item[] = [];
  for (const one of categories) {
    if (typeof one !== 'object' || one === null) continue;
    const stored = one as Stored;
    const name = nameOf(stored['name']);
    if (name.length === 0) continue;
    for (let depth = 1; depth < name.length; depth += 1) {
      const parent = name.slice(0, depth);
      const known = items.some((item) => samePath(item.name, parent)) || hasName(categories, parent);
      if (!known) items.push(blank(items.length, parent));
    }
    const data = (stored['data'] ?? {}) as { color?: unknown; score?: unknown };
    const { priority, ...rule } = readRule(stored['rule']);
    items.push({
      key: items.length,
      name,
      rule,
      priority: typeof priority === 'number' ? priority : null,
      color: typeof data.color === 'string' && data.color !== '' ? data.color : null,
      score: data.score === undefined || data.score === null || data.score === '' ? null : Number(data.score),
      stored,
    });
  }
  return items;
}

function nameOf(name: unknown): string[] {
  if (typeof name === 'string') return [name]; // the first versions of the standard web UI
  return Array.isArray(name) ? name.filter((part): part is string => typeof part === 'string') : [];
}

function hasName(categories: readonly unknown[], path: Path): boolean {
  return categories.some((one) => samePath(nameOf((one as Stored | null)?.['name']), path));
}

function blank(key: number, name: Path): Item {
  return { key, name, rule: NONE, priority: null, color: null, score: null, stored: null };
}

/** What is sent to the server. */
export function toJson(items: readonly Item[]): Record<string, unknown>[] {
  const sent = items.filter((item) => item.stored !== null || !isBlank(item));
  return sent.map((item) => {
    const { data: oldData, ...others } = item.stored ?? {};
    const { color: _, score: __, ...otherData } = (oldData ?? {}) as Record<string, unknown>;
    const data = {
      ...otherData,
      ...(item.color === null ? {} : { color: item.color }),
      ...(item.score === null ? {} : { score: item.score }),
    };
    const json: Record<string, unknown> = { ...others, name: [...item.name], rule: ruleJson(item) };
    if (Object.keys(data).length > 0) json['data'] = data;
    return json;
  });
}

function ruleJson({ rule, priority, stored }: Item): Rule {
  const { priority: _, ...before } = readRule(stored?.['rule']);
  // A rule that nobody has touched is sent as it was, whatever it is.
  const untouched = JSON.stringify(before) === JSON.stringify(rule);
  const now = untouched ? rule : (complete(rule) ?? NONE);
  return priority === null ? now : { ...now, priority };
}

function isBlank(item: Item): boolean {
  return item.rule.type === 'none' && item.priority === null && item.color === null && item.score === null;
}

export interface Row {
  readonly item: Item;
  readonly depth: number;
  readonly children: number;
  readonly place: number;
  readonly siblings: number;
}

/** The tree from its top to its bottom; of closed categories only themselves. */
export function rowsOf(items: readonly Item[], closed: ReadonlySet<number> = new Set()): Row[] {
  const rows: Row[] = [];
  const add = (parent: Path): void => {
    const children = childrenOf(items, parent);
    for (const [i, item] of children.entries()) {
      // Of two with one name, only the first has the children.
      const first = children.findIndex((one) => samePath(one.name, item.name)) === i;
      const below = first ? childrenOf(items, item.name).length : 0;
      rows.push({ item, depth: parent.length, children: below, place: i + 1, siblings: children.length });
      if (first && !closed.has(item.key)) add(item.name);
    }
  };
  add([]);
  return rows;
}

export function childrenOf(items: readonly Item[], parent: Path): Item[] {
  return items.filter((item) => item.name.length === parent.length + 1 && isWithin(item.name, parent));
}

export function change(items: readonly Item[], key: number, what: Partial<Omit<Item, 'key' | 'name'>>): Item[] {
  return items.map((item) => (item.key === key ? { ...item, ...what } : item));
}

export function rename(items: readonly Item[], key: number, name: string): Item[] {
  const item = items.find((one) => one.key === key);
  if (item === undefined || name.trim() === '') return [...items];
  const parent = item.name.slice(0, -1);
  return renamed(items, item.name, [...parent, freeName(items, parent, name.trim(), item.name)]);
}

function renamed(items: readonly Item[], from: Path, to: Path): Item[] {
  return items.map((item) =>
    isWithin(item.name, from) ? { ...item, name: [...to, ...item.name.slice(from.length)] } : item,
  );
}

/** The name, or the name with a number if a sibling has it. */
export function freeName(items: readonly Item[], parent: Path, name: string, except: Path = []): string {
  const taken = (wanted: string) =>
    items.some((item) => samePath(item.name, [...parent, wanted]) && !samePath(item.name, except));
  if (!taken(name)) return name;
  for (let n = 2; ; n += 1) if (!taken(`${name} ${n}`)) return `${name} ${n}`;
}

export function add(items: readonly Item[], parent: Path, name: string): { items: Item[]; key: number } {
  const key = Math.max(-1, ...items.map((item) => item.key)) + 1;
  const item = { ...blank(key, [...parent, freeName(items, parent, name)]), stored: {} };
  return { items: insert(items, [item], parent, null), key };
}

/** Without the category and everything below it. */
export function remove(items: readonly Item[], key: number): Item[] {
  const item = items.find((one) => one.key === key);
  return item === undefined ? [...items] : items.filter((one) => !isWithin(one.name, item.name));
}

/** The category, with everything below it, as a child of `parent`, before the category `before` (null: as the last). */
export function move(items: readonly Item[], key: number, parent: Path, before: number | null): Item[] {
  const item = items.find((one) => one.key === key);
  if (item === undefined || isWithin(parent, item.name) || before === key) return [...items];
  const to = [...parent, freeName(items, parent, last(item.name), item.name)];
  const block = renamed(
    items.filter((one) => isWithin(one.name, item.name)),
    item.name,
    to,
  );
  return insert(
    items.filter((one) => !isWithin(one.name, item.name)),
    block,
    parent,
    before,
  );
}

function insert(items: readonly Item[], block: readonly Item[], parent: Path, before: number | null): Item[] {
  const at = items.findIndex((one) => one.key === before);
  const lastWithin = parent.length === 0 ? items.length - 1 : items.findLastIndex((one) => isWithin(one.name, parent));
  const index = at >= 0 ? at : lastWithin + 1;
  return [...items.slice(0, index), ...block, ...items.slice(index)];
}

/** Moves among siblings (up, down), into the sibling above (in), or out beside the parent (out). */
export function shift(items: readonly Item[], key: number, where: 'up' | 'down' | 'in' | 'out'): Item[] {
  const item = items.find((one) => one.key === key);
  if (item === undefined) return [...items];
  const parent = item.name.slice(0, -1);
  const siblings = childrenOf(items, parent);
  const at = siblings.findIndex((one) => one.key === key);
  const above = siblings[at - 1];
  if (where === 'up') return above === undefined ? [...items] : move(items, key, parent, above.key);
  if (where === 'down') {
    if (siblings[at + 1] === undefined) return [...items];
    return move(items, key, parent, siblings[at + 2]?.key ?? null);
  }
  if (where === 'in') return above === undefined ? [...items] : move(items, key, above.name, null);
  if (parent.length === 0) return [...items];
  const uncles = childrenOf(items, parent.slice(0, -1));
  const after = uncles[uncles.findIndex((one) => samePath(one.name, parent)) + 1];
  return move(items, key, parent.slice(0, -1), after?.key ?? null);
}
