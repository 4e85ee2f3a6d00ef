import type { Categories } from '../../usage';
import type { Interval } from '../../usage';
import type { Sums } from './data.svelte';
import type { Place } from './place.svelte';

/** What every card of the page gets. */
export interface Activity {
  readonly place: Place;
  readonly sums: Sums;
  readonly categories: Categories;
  readonly interval: Interval;
}
