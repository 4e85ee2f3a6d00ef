import { dayCount } from '../../calendar';
import { isFiltered, type Place } from '../../usage';

/** The strip shows each stretch of time. Of more days than this nobody could see one, and the server would need long. */
const MOST_DAYS = 7;

/** It knows no filters, so it is left out while there are some. */
export function hasStrip({ range, calendar, filters }: Place): boolean {
  return dayCount(range, calendar) <= MOST_DAYS && !isFiltered(filters);
}
