export { agoText, dateText, daysText, instantText, rangeText } from './dates.svelte';
export { durationExact } from './format';
export {
  bytes,
  duration,
  hours,
  languageFrom,
  LANGUAGES,
  number,
  percent,
  t,
  text,
  type Language,
  type MessageKey,
} from './text.svelte';
