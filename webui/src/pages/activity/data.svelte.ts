import { untrack } from 'svelte';
import { reading } from '../../api';
import { Temporal } from '../../calendar';
import { resource, type Resource } from '../../data';
import { live } from '../../live';
import { loadUsage, usageParameters, type By, type Interval, type Scope, type Usage } from '../../usage';

const LISTED: readonly By[] = [
  'category',
  'app',
  'title',
  'domain',
  'url',
  'browserTitle',
  'project',
  'file',
  'language',
];
const MOST_CATEGORIES = 1000;
const MOST_ROWS = 100;

/**
 * The server adds up a part of the period by everything that is likely to be asked for, so of the requests for a long period the
 * first of each source does the work, and the others wait for it instead of doing it at the same time.
 */
const AFTER: Partial<Record<By, By>> = {
  app: 'category',
  title: 'category',
  url: 'domain',
  file: 'project',
  language: 'project',
};
const LONG_HOURS = 24 * 8;

export interface Sources {
  /** Null until it is known. */
  readonly scope: Scope | null;
  readonly interval: Interval;
  readonly wanted: ReadonlySet<By>;
  /** Whether the period is the whole day that it is now. */
  readonly isToday: boolean;
}

export type Sums = Readonly<Record<By, Resource<string, Usage>>>;

/** All sums of the page: one request for each kind that a card shows. Today they follow what happens. */
export function useSums(sources: () => Sources): Sums {
  const wantedOf = (by: By) => {
    const { interval } = sources();
    return by === 'category'
      ? { by, interval, compare: true, limit: MOST_CATEGORIES }
      : { by, compare: true, limit: MOST_ROWS };
  };
  const sums = {} as Record<By, Resource<string, Usage>>;
  const running: Partial<Record<By, Promise<Usage>>> = {};
  for (const by of LISTED) {
    // The key is text, so that a change of the address that asks for nothing else loads nothing.
    const key = $derived.by(() => {
      const { scope, wanted } = sources();
      if (scope === null || !wanted.has(by)) return null;
      const { start, end } = scope.period;
      return JSON.stringify([
        usageParameters(scope, wantedOf(by)),
        `${start.toString()}/${end.toString()}`,
        scope.filters,
      ]);
    });
    sums[by] = resource(
      () => key,
      (_, signal) => {
        const scope = untrack(() => sources().scope);
        if (scope === null) throw new DOMException('not needed any more', 'AbortError');
        const wanted = untrack(() => wantedOf(by));
        const load = () => loadUsage(scope, wanted, signal);
        const first = AFTER[by];
        const before = first !== undefined && isLong(scope) ? running[first] : undefined;
        const loading = before === undefined ? load() : before.then(load, load);
        running[by] = loading;
        return loading;
      },
      { live: () => includesNow(sources().scope), every: 10_000, isEmpty: (usage) => usage.duration === 0 },
    );
  }
  $effect(() => followToday(sources(), wantedOf, sums.category));
  return sums;
}

function isLong({ period }: Scope): boolean {
  return period.start.until(period.end).total('hours') > LONG_HOURS;
}

function includesNow(scope: Scope | null): boolean {
  if (scope === null) return false;
  const now = Temporal.Now.instant();
  return Temporal.Instant.compare(scope.period.start, now) <= 0 && Temporal.Instant.compare(now, scope.period.end) < 0;
}

/** The stream adds up today again whenever something was written: the total moves by itself. */
function followToday(
  { scope, isToday }: Sources,
  wantedOf: (by: By) => Parameters<typeof usageParameters>[1],
  sum: Resource<string, Usage>,
): (() => void) | undefined {
  if (scope === null || !isToday || reading.past) return undefined;
  const query = { mode: 'usage', every: 2000, ...usageParameters(scope, wantedOf('category')) } as const;
  return live.subscribe(query, (event) => {
    if (event.name === 'usage' && !sum.stale) sum.value = JSON.parse(event.data) as Usage;
  });
}
