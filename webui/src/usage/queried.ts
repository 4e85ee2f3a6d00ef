import { api, ok } from '../api';
import { filtersOf, type FilterKind, type Filters } from './filters';
import { getUsage, periodParameters, usageParameters, type Scope, type Wanted } from './parameters';
import { SOURCE, isWithin, type By, type Source, type Usage } from './types';

const KEY: Readonly<Record<FilterKind | By, string>> = {
  category: '$category',
  app: 'app',
  title: 'title',
  domain: '$domain',
  url: 'url',
  browserTitle: 'title',
  project: 'project',
  file: 'file',
  language: 'language',
  device: '$device',
};
const REPRESENTATIVE: Readonly<Record<Source, By>> = { activity: 'app', browser: 'domain', editor: 'project' };

interface Sum {
  total: number;
  groups: { duration: number; data: Record<string, unknown> }[];
}

/**
 * A sum that `/api/1/usage` does not have, made by a query: the server prints the definition of each source as a program, and this one puts them
 * together. Events of the wanted source count while all filters of the other sources hold.
 */
export async function queried(scope: Scope, wanted: Wanted, signal: AbortSignal): Promise<Usage> {
  const source = SOURCE[wanted.by];
  const others = (['activity', 'browser', 'editor'] as const).filter(
    (s) => s !== source && filtersOf(scope.filters, s).length > 0,
  );
  const [frame, ...programs] = await Promise.all([
    intervals(scope, wanted, signal),
    ...[...others, source].map((s) => program(scope, s, signal)),
  ]);
  const text = combine(scope, wanted, [...others, source], programs);
  const whole = periodParameters(scope.period);
  const periods = [whole, ...frame.intervals].map(({ start, end }) => `${start}/${end}`);
  const answers = (await ok(
    api.POST('/api/0/query', { body: { query: [text], timeperiods: periods }, signal }),
  )) as unknown as Sum[];
  return usageFrom(frame, wanted, answers);
}

/** The intervals of the period, in the person's calendar. */
async function intervals(scope: Scope, wanted: Wanted, signal: AbortSignal): Promise<Usage> {
  const bare = { ...scope, filters: {} };
  const query = {
    ...periodParameters(scope.period),
    ...usageParameters(bare, { by: 'device', interval: wanted.interval, limit: 1 }),
  };
  const usage = await getUsage(query, signal);
  return wanted.interval === undefined ? { ...usage, intervals: [] } : usage;
}

/** The definition as a program. It is the same for every period, so the shortest one will do. */
async function program(scope: Scope, source: Source, signal: AbortSignal): Promise<string> {
  const { start } = scope.period;
  const query = {
    ...periodParameters({ start, end: start.add({ seconds: 1 }) }),
    ...usageParameters({ ...scope, filters: {} }, { by: REPRESENTATIVE[source], limit: 1 }),
    query: true,
  };
  const { query: text } = await getUsage(query, signal);
  return (text ?? '').replace(/\s*RETURN\s*=\s*events;\s*$/, '\n');
}

/** One program out of several, which all leave their events in `events`. */
export function combine(
  { filters, known }: Pick<Scope, 'filters' | 'known'>,
  { by, limit = 100 }: Wanted,
  sources: readonly Source[],
  programs: readonly string[],
): string {
  const parts = sources.map((source, i) => {
    const chosen = filtersOf(filters, source).map((kind) => filterLine(kind, filters, known));
    return [programs[i] ?? '', ...chosen, i < sources.length - 1 ? `kept_${i} = events;` : ''].join('\n');
  });
  const cuts = sources.slice(0, -1).map((_, i) => `events = filter_period_intersect(events, kept_${i});`);
  return [
    ...parts,
    ...cuts,
    `groups = limit_events(sort_by_duration(merge_events_by_keys(events, [${quote(KEY[by])}])), ${limit});`,
    'RETURN = {"total": sum_durations(events), "groups": groups};',
  ].join('\n');
}

function filterLine(kind: FilterKind, filters: Filters, known: Scope['known']): string {
  const { category } = filters;
  if (kind !== 'category' || category === undefined) {
    return `events = filter_keyvals(events, ${quote(KEY[kind])}, [${quote(String(filters[kind]))}]);`;
  }
  const names = [category, ...known.map(({ name }) => name).filter((name) => isWithin(name, category))];
  const lists = names.map((name) => `[${name.map(quote).join(', ')}]`);
  return `events = filter_keyvals(events, "$category", [${lists.join(', ')}]);`;
}

/** In the query language a backslash stays what it is, except before a quote; and no string ends with one. */
function quote(text: string): string {
  if (!text.includes('"')) return `"${text}"`;
  if (!text.includes("'")) return `'${text}'`;
  return text
    .split('"')
    .map((piece) => `"${piece}"`)
    .join(` + '"' + `);
}

/** The answer in the form of `/api/1/usage`. The sums of the intervals stand in `intervals`; those of the groups in each of them. */
export function usageFrom(frame: Usage, wanted: Wanted, [whole, ...parts]: readonly Sum[]): Usage {
  const key = KEY[wanted.by];
  const places = new Map<string, number[][]>();
  for (const [place, part] of parts.entries()) {
    for (const { duration, data } of part.groups) {
      const name = JSON.stringify(data[key] ?? null);
      places.set(name, [...(places.get(name) ?? []), [place, duration]]);
    }
  }
  const groups = (whole?.groups ?? []).map(({ duration, data }) => {
    const value = data[key] ?? null;
    return { value, duration, intervals: places.get(JSON.stringify(value)) ?? [] };
  });
  const total = whole?.total ?? 0;
  const listed = groups.reduce((sum, group) => sum + group.duration, 0);
  const left = Math.max(total - listed, 0);
  return {
    start: frame.start,
    end: frame.end,
    by: wanted.by,
    duration: total,
    intervals: frame.intervals.map((interval, i) => ({ ...interval, duration: parts[i]?.total ?? 0 })),
    groups,
    others: { count: left > 1e-6 ? 1 : 0, duration: left, intervals: [] },
  };
}
