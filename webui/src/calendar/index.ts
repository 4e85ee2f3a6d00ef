export { Temporal } from 'temporal-polyfill';
export { dateFrom, rangeAddress, rangeFrom, type RangeAddress } from './address';
export { dayOf, startOfDay, startOfWeek, today, type Calendar, type WeekStart } from './calendar';
export { fromLocalInput, toLocalInput } from './local';
export {
  dayCount,
  daysOf,
  includesDay,
  periodOf,
  reachesToday,
  step,
  type Days,
  type Period,
  type Range,
  type Unit,
} from './range';
