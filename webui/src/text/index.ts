export { agoText, dateText, daysText, instantText, rangeText } from './dates.svelte';
export { durationExact } from './format';
export { languageFrom, LANGUAGES, type Language } from './languages';
export { bytes, duration, hours, number, percent, t, text, type MessageKey } from './text.svelte';
