export { useCategories, type Categories, type KnownCategory } from './categories.svelte';
export {
  categoryFrom,
  FILTER_KINDS,
  filterAddress,
  filtersFrom,
  isFiltered,
  type FilterKind,
  type Filters,
} from './filters';
export { intervalOf } from './interval';
export { usageParameters, type Scope, type Wanted } from './parameters';
export { loadUsage } from './request';
export { scores, type ScorePart } from './score';
export { seriesOf, type Series } from './series';
export { categoryTree, type Branch } from './tree';
export {
  isUncategorized,
  isWithin,
  pathOf,
  type By,
  type Category,
  type Group,
  type Interval,
  type Usage,
} from './types';
export { useHosts } from './hosts.svelte';
export { default as PeriodHeader } from './PeriodHeader.svelte';
export { default as WhoseTime } from './WhoseTime.svelte';
export { daysOfCategory, daysOfUsage, rolling, stepsOf, summed, type Day, type Step, type Steps } from './days';
export { usualWeek, type UsualWeek } from './hours';
export { default as FilterChips } from './FilterChips.svelte';
export { usePlace, type Place } from './place.svelte';
export { markReady } from './ready.svelte';
