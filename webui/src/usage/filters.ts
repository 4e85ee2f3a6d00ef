import { isWithin, type Category } from './types';

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

export interface Named {
  readonly name: Category;
}

/** What `/api/1/usage` is asked, so that only what fits counts. Each kind of filter is a parameter of the same name. */
export type FilterParameters = { -readonly [Kind in FilterKind]?: string[] };

/** A category stands for all below it: those that are known, and itself, which may have no rule, or be one of the past that nothing is left of. */
export function filterParameters(filters: Filters, known: readonly Named[]): FilterParameters {
  const parameters: FilterParameters = {};
  for (const kind of FILTER_KINDS) {
    const value = filters[kind];
    if (value === undefined) continue;
    parameters[kind] = typeof value === 'string' ? [value] : within(value, known).map((path) => JSON.stringify(path));
  }
  return parameters;
}

function within(category: Category, known: readonly Named[]): Category[] {
  const below = known.map(({ name }) => name).filter((name) => isWithin(name, category));
  return [...new Map([category, ...below].map((path) => [JSON.stringify(path), path])).values()];
}
