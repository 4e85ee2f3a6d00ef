import { t, text } from '../../text';
import { WEEKDAYS } from './rules';

/** The short or long name of a day of the week, such as `monday`, in the language of the page. */
export function dayName(day: string, weekday: 'short' | 'long' = 'short'): string {
  const at = WEEKDAYS.indexOf(day as (typeof WEEKDAYS)[number]);
  if (at < 0) return day;
  // The first of January 2024 was a Monday.
  return new Intl.DateTimeFormat(text.locale, { weekday, timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + at));
}

export function ruleWords() {
  return {
    not: t('categories.not'),
    and: t('categories.and'),
    or: t('categories.or'),
    day: (day: string) => dayName(day),
  };
}
