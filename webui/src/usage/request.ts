import { filtersOf, type Filters } from './filters';
import { getUsage, periodParameters, usageParameters, type Scope, type Wanted } from './parameters';
import { queried } from './queried';
import { SOURCE, type By, type Source, type Usage } from './types';

/**
 * Adds up. `/api/1/usage` can do it if all filters are about windows, and the sum is of windows too, or if there are no filters. Otherwise a
 * query of the same definition does it (queried.ts).
 */
export async function loadUsage(scope: Scope, wanted: Wanted, signal: AbortSignal): Promise<Usage> {
  if (!isDirect(scope.filters, wanted.by)) return queried(scope, wanted, signal);
  return getUsage({ ...periodParameters(scope.period), ...usageParameters(scope, wanted) }, signal);
}

/** Whether `/api/1/usage` has this sum; and so has the stream of today. */
export function isDirect(filters: Filters, by: By): boolean {
  if (by === 'browserTitle') return false;
  const sources: Source[] = (['activity', 'browser', 'editor'] as const).filter(
    (s) => filtersOf(filters, s).length > 0,
  );
  return sources.every((source) => source === 'activity' && SOURCE[by] === 'activity');
}
