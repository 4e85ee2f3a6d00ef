import { pageTitles } from './pageTitles';
import { getUsage, periodParameters, usageParameters, type Scope, type Wanted } from './parameters';
import type { Usage } from './types';

/** Adds up. `/api/1/usage` does it for all but the titles of pages, which a query of the same definition adds up. */
export async function loadUsage(scope: Scope, wanted: Wanted, signal: AbortSignal): Promise<Usage> {
  if (wanted.by === 'browserTitle') return pageTitles(scope, wanted, signal);
  return getUsage({ ...periodParameters(scope.period), ...usageParameters(scope, wanted) }, signal);
}
