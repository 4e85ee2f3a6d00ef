import type { Categories, Interval, Place } from '../../usage';
import type { Sums } from './data.svelte';

/** What every card of the page gets. */
export interface Activity {
  readonly place: Place;
  readonly sums: Sums;
  readonly categories: Categories;
  readonly interval: Interval;
}
