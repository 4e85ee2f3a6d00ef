import { api, ok } from '../api';
import type { Calendar, Period } from '../calendar';
import { filterParameters, type Filters, type Named } from './filters';
import type { By, Interval, Usage } from './types';

/** Whose time, when, and which of it: what all sums of a page have in common. */
export interface Scope {
  readonly period: Period;
  readonly calendar: Calendar;
  /** Host names; empty for all. */
  readonly devices: readonly string[];
  /** Null for what the server takes. */
  readonly afk: boolean | null;
  readonly audible: boolean | null;
  readonly filters: Filters;
  /** The categories: a filter by one stands for those below it, too. */
  readonly known: readonly Named[];
}

export interface Wanted {
  readonly by: By;
  readonly interval?: Interval;
  readonly compare?: boolean | Period;
  readonly limit?: number;
}

/** The parameters of `/api/1/usage`. Those of the stream of today are the same without `start` and `end`. */
export function usageParameters(scope: Scope, wanted: Wanted) {
  const { devices, afk, audible, calendar, filters, known } = scope;
  return {
    by: wanted.by,
    ...(wanted.interval === undefined ? {} : { interval: wanted.interval }),
    ...(wanted.limit === undefined ? {} : { limit: wanted.limit }),
    ...comparison(wanted.compare),
    ...(devices.length === 0 ? {} : { devices: devices.join(',') }),
    ...(afk === null ? {} : { filter_afk: afk }),
    ...(audible === null ? {} : { audible }),
    ...filterParameters(filters, known),
    zone: calendar.zone,
    day_start: calendar.dayStart,
    week_start: calendar.weekStart.toLowerCase(),
  };
}

export function periodParameters({ start, end }: Period) {
  return { start: start.toString(), end: end.toString() };
}

type Parameters = ReturnType<typeof usageParameters> & ReturnType<typeof periodParameters> & { query?: boolean };

export function getUsage(query: Parameters, signal: AbortSignal): Promise<Usage> {
  // Titles of pages come from a query (request.ts).
  const known = query as Parameters & { by: Exclude<By, 'browserTitle'> };
  return ok(api.GET('/api/1/usage', { params: { query: known }, signal }));
}

function comparison(compare: Wanted['compare']): { compare?: string } {
  if (compare === undefined || compare === false) return {};
  if (compare === true) return { compare: 'previous' };
  const { start, end } = periodParameters(compare);
  return { compare: `${start}/${end}` };
}
