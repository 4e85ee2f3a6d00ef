import { SOURCE, UNNAMED, isWithin, type By, type Category, type Source } from './types';

/** What everything on the page is filtered by: at most one value of each kind. An empty category means all. */
export type FilterKind = 'category' | 'app' | 'title' | 'domain' | 'url' | 'project' | 'file' | 'language';
export const FILTER_KINDS: readonly FilterKind[] = [
  'category',
  'app',
  'title',
  'domain',
  'url',
  'project',
  'file',
  'language',
];

export interface Filters {
  readonly category?: Category;
  readonly app?: string;
  readonly title?: string;
  readonly domain?: string;
  readonly url?: string;
  readonly project?: string;
  readonly file?: string;
  readonly language?: string;
}

/** Filters from the query of an address, where a category is written as JSON. What cannot be read is left out. */
export function filtersFrom(get: (name: string) => string | null): Filters {
  const filters: Record<string, unknown> = {};
  for (const kind of FILTER_KINDS) {
    const text = get(kind);
    if (text === null || text === '') continue;
    const value = kind === 'category' ? categoryFrom(text) : text;
    if (value !== null) filters[kind] = value;
  }
  return filters;
}

export function filterAddress(value: Category | string): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function categoryFrom(text: string): Category | null {
  try {
    const value: unknown = JSON.parse(text);
    const fits = Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string');
    return fits ? (value as string[]) : null;
  } catch {
    return null;
  }
}

export function isFiltered(filters: Filters): boolean {
  return FILTER_KINDS.some((kind) => filters[kind] !== undefined);
}

/** The kinds of filters about one source of events. */
export function filtersOf(filters: Filters, source: Source): FilterKind[] {
  return FILTER_KINDS.filter((kind) => filters[kind] !== undefined && SOURCE[kind as By] === source);
}

export interface Rule {
  readonly type: string | null;
  readonly [other: string]: unknown;
}
export interface Ruled {
  readonly name: Category;
  readonly rule?: Rule;
}

/** What `/api/1/usage` is asked, so that only what fits counts. */
export interface CategoryChoice {
  categories?: string;
  category?: string[];
}

/**
 * The API filters by categories only. An app or a title becomes a category too: each rule holds only where the app or title fits, and
 * what fits without a category gets one of its own. So the sums stay those of the server, to the nanosecond.
 */
export function categoryChoice(filters: Filters, known: readonly Ruled[]): CategoryChoice {
  const { category, app, title } = filters;
  if (app === undefined && title === undefined) {
    return category === undefined ? {} : { category: names(within(category, known), category).map(json) };
  }
  const here = [text('app', app), text('title', title)].filter((rule) => rule !== null);
  const limited = known.flatMap(({ name, rule }) => {
    if (rule === undefined || rule.type === null || rule.type === 'none') return [];
    const priority = Number(rule['priority'] ?? rule['weight'] ?? 10 * name.length);
    return [[name, { type: 'and', rules: [bare(rule), ...here], priority }] as const];
  });
  const rest = [[UNNAMED], { type: 'and', rules: here, priority: -1 }] as const;
  const wanted =
    category === undefined ? [...limited.map(([name]) => name), [UNNAMED]] : namesWithRest(category, known);
  return { categories: JSON.stringify([...limited, rest]), category: unique(wanted).map(json) };
}

function namesWithRest(category: Category, known: readonly Ruled[]): Category[] {
  return isWithin(category, ['Uncategorized']) ? [[UNNAMED]] : names(within(category, known), category);
}

function within(category: Category, known: readonly Ruled[]): Category[] {
  return known.map(({ name }) => name).filter((name) => isWithin(name, category));
}

/** The category itself may have no rule, or be one of the past that nothing is left of. */
function names(found: readonly Category[], category: Category): Category[] {
  return unique([category, ...found]);
}

function unique(paths: readonly Category[]): Category[] {
  return [...new Map(paths.map((path) => [json(path), path])).values()];
}

function text(field: string, value: string | undefined): Rule | null {
  return value === undefined ? null : { type: 'text', field, text: value, whole: true };
}

/** Priorities belong to the outermost rule. */
function bare(rule: Rule): Rule {
  return { ...rule, priority: undefined, weight: undefined };
}

const json = (value: unknown): string => JSON.stringify(value);
