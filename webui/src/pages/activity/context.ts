import type { Categories, Interval, Place, Scope } from '../../usage';
import type { Sums } from './data.svelte';

/** What every card of the page gets. */
export interface Activity {
  readonly place: Place;
  /** What is added up; null until it is known. */
  readonly scope: Scope | null;
  readonly sums: Sums;
  readonly categories: Categories;
  readonly interval: Interval;
}
