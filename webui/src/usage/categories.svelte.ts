import { api, ok } from '../api';
import { resource } from '../data';
import { categoryColors } from '../design';
import { settings, type CategoryClass } from '../settings';
import type { Named } from './filters';
import type { Category } from './types';

export interface KnownCategory extends Named {
  readonly data?: CategoryClass['data'];
}

export interface Categories {
  /** Null until they are here. */
  readonly list: readonly KnownCategory[] | null;
  readonly color: (path: Category) => string;
}

/** All categories with their rules, and their colours. Call it while a component is created. */
export function useCategories(): Categories {
  // `classes` is the key, so that a change of the categories is seen here. It stays the same when other settings change.
  const key = $derived(settings.value.classes);
  const loaded = resource(
    () => key,
    async (_, signal) => {
      const { categories } = await ok(api.GET('/api/1/categories', { signal }));
      return categories as unknown as readonly KnownCategory[];
    },
  );
  // Without the rules the page can still show its sums: the colours then come from the names alone.
  const list = $derived(loaded.value ?? (loaded.error === null ? null : []));
  const color = $derived(categoryColors(list ?? []));
  return {
    get list() {
      return list;
    },
    get color() {
      return color;
    },
  };
}
