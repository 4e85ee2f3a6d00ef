import { api, ok } from '../api';
import { getUsage, periodParameters, usageParameters, type Scope, type Wanted } from './parameters';
import { adding, usageFrom, type Sum } from './titleSums';
import type { Usage } from './types';

/** The time of pages by their titles, which `/api/1/usage` does not have. The server prints what counts as a program, and this one adds it up. */
export async function pageTitles(scope: Scope, wanted: Wanted, signal: AbortSignal): Promise<Usage> {
  const period = periodParameters(scope.period);
  const parameters = { ...period, ...usageParameters(scope, { by: 'domain', limit: 1 }), query: true };
  const counted = await getUsage(parameters, signal);
  const program = adding(counted.query ?? '', wanted.limit ?? 100);
  const body = { query: [program], timeperiods: [`${period.start}/${period.end}`] };
  const [sum] = (await ok(api.POST('/api/0/query', { body, signal }))) as unknown as Sum[];
  return usageFrom(counted, sum ?? { total: 0, groups: [] });
}
