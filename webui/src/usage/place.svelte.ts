import { dayOf, periodOf, rangeAddress, rangeFrom, Temporal, type Range } from '../calendar';
import { settings } from '../settings';
import { route } from '../shell';
import { filterAddress, filtersFrom, FILTER_KINDS, type FilterKind } from './filters';
import type { Category } from './types';

/** What the page looks at. All of it is in the address, so that a copied link shows the same. */
export function usePlace(unlessGiven = 'day') {
  const calendar = $derived(settings.calendar);
  const range = $derived(
    rangeFrom(
      {
        range: route.get('range') ?? unlessGiven,
        date: route.get('date'),
        from: route.get('from'),
        to: route.get('to'),
      },
      calendar,
    ),
  );
  const period = $derived(periodOf(range, calendar));
  const filters = $derived(filtersFrom((name) => route.get(name)));
  const flag = (name: string) => {
    const value = route.get(name);
    return value === null ? null : value === '1';
  };

  return {
    get calendar() {
      return calendar;
    },
    get range() {
      return range;
    },
    get period() {
      return period;
    },
    get filters() {
      return filters;
    },
    get devices() {
      return route.all('device');
    },
    get afk() {
      return flag('afk');
    },
    get audible() {
      return flag('audible');
    },
    get isToday() {
      return range.kind === 'day' && range.date.equals(dayOf(Temporal.Now.instant(), calendar));
    },
    go(next: Range) {
      route.set({ ...rangeAddress(next) });
    },
    choose(change: { devices?: readonly string[]; afk?: boolean | null; audible?: boolean | null }) {
      const bit = (value: boolean | null | undefined) =>
        value === null || value === undefined ? null : value ? '1' : '0';
      route.set({
        ...(change.devices === undefined ? {} : { device: change.devices }),
        ...(change.afk === undefined ? {} : { afk: bit(change.afk) }),
        ...(change.audible === undefined ? {} : { audible: bit(change.audible) }),
      });
    },
    filter(kind: FilterKind, value: Category | string | null) {
      route.set({ [kind]: value === null ? null : filterAddress(value) });
    },
    clearFilters() {
      route.set(Object.fromEntries(FILTER_KINDS.map((kind) => [kind, null])));
    },
  };
}

export type Place = ReturnType<typeof usePlace>;
