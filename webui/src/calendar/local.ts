import { Temporal } from 'temporal-polyfill';

/** An instant as `<input type="datetime-local" step="1">` shows it, on the clock of the zone. */
export function toLocalInput(instant: string, zone: string): string {
  const clock = Temporal.Instant.from(instant).toZonedDateTimeISO(zone).toPlainDateTime();
  return clock.round({ smallestUnit: 'second', roundingMode: 'floor' }).toString();
}

/**
 * The instant of what the input says; null if that is no time. `before` is the instant that it showed at first: an input that nobody has
 * touched keeps its fractions of a second, and the hour that a clock shows twice keeps its first or second time.
 */
export function fromLocalInput(text: string, zone: string, before?: string): string | null {
  if (text === '') return null;
  try {
    if (before !== undefined && toLocalInput(before, zone) === Temporal.PlainDateTime.from(text).toString())
      return before;
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return null;
  }
}
