import { Temporal } from '../../../calendar';

/** Times, durations and values as a person types them into a cell, and back. */

/** "2026-11-29 12:34:56.5" on the clock of the zone. */
export function timeTyped(timestamp: string, zone: string): string {
  const clock = Temporal.Instant.from(timestamp).toZonedDateTimeISO(zone).toPlainDateTime();
  return clock
    .toString()
    .replace('T', ' ')
    .replace(/(:\d\d)\.000$/, '$1');
}

/** The instant, or null if the text is none. A text with an offset (`Z`, `+01:00`) needs no zone. */
export function readTime(text: string, zone: string): string | null {
  const iso = text.trim().replace(/^(\d{4}-\d\d-\d\d)[ ,]+/, '$1T');
  try {
    if (/(z|[+-]\d\d:?\d\d)$/i.test(iso)) return Temporal.Instant.from(iso).toString();
    return Temporal.PlainDateTime.from(iso, { overflow: 'reject' }).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return null;
  }
}

export function durationTyped(seconds: number): string {
  return String(Number(seconds.toFixed(9)));
}

/** "90", "1,5", "1:30:00" or "2:05" (minutes and seconds), in seconds. */
export function readDuration(text: string): number | null {
  const parts = text.trim().replace(',', '.').split(':');
  if (
    parts.length > 3 ||
    parts.some((part, i) => !/^\d+(\.\d+)?$/.test(part) || (part.includes('.') && i < parts.length - 1))
  )
    return null;
  const seconds = parts.reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number.isFinite(seconds) ? seconds : null;
}

/** A value in one line: strings as they are, everything else as JSON. */
export function valueTyped(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value that the text stands for, of the type that the field has: a text stays a text, whatever it looks like. */
export function readValue(text: string, before: unknown): unknown {
  if (before === undefined || typeof before === 'string') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function readObject(text: string): { data: Record<string, unknown> } | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { data: value as Record<string, unknown> };
    return { problem: JSON.stringify(value).slice(0, 40) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The merge patch (RFC 7386) that makes `after` of `before`: removed keys become null. Null is returned if nothing differs. */
export function mergePatch(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, unknown> | null {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    if (isObject(old) && isObject(value)) patch[key] = mergePatch(old, value) ?? {};
    else patch[key] = value;
  }
  return Object.keys(patch).length === 0 ? null : patch;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
