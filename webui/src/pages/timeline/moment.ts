import { Temporal } from '../../calendar';

/** The number of a record, or an instant, as the API reads `as_of`; null for what is neither. */
export function momentFrom(text: string | null): string | null {
  if (text === null) return null;
  return /^\d+$/.test(text) || isInstant(text) ? text : null;
}

function isInstant(text: string): boolean {
  try {
    Temporal.Instant.from(text);
    return true;
  } catch {
    return false;
  }
}
