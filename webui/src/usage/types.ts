import type { Schema } from '../api';

export type Usage = Schema<'UsageJson'>;
export type Group = Schema<'GroupJson'>;
export type Category = readonly string[];

/** What time can be added up by. `browserTitle` is the title of a page; the API has no such sum, so a query makes it. */
export const BYS = [
  'category',
  'app',
  'title',
  'domain',
  'url',
  'browserTitle',
  'project',
  'file',
  'language',
  'device',
] as const;
export type By = (typeof BYS)[number];

export type Interval = 'hour' | 'day' | 'week' | 'month';

/** Where the events of a sum come from (docs/activity.md). */
export type Source = 'activity' | 'browser' | 'editor';

export const SOURCE: Readonly<Record<By, Source>> = {
  category: 'activity',
  app: 'activity',
  title: 'activity',
  device: 'activity',
  domain: 'browser',
  url: 'browser',
  browserTitle: 'browser',
  project: 'editor',
  file: 'editor',
  language: 'editor',
};

/** The path of a category as the API writes it; events without one are "Uncategorized". */
export function pathOf(value: unknown): Category {
  return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : ['Uncategorized'];
}

export function isUncategorized(path: Category): boolean {
  return path.length === 0 || (path.length === 1 && path[0] === 'Uncategorized');
}

export function isWithin(path: Category, root: Category): boolean {
  return root.every((part, i) => path[i] === part);
}
