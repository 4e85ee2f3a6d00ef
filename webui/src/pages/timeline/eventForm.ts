import { Temporal } from '../../calendar';
import type { EventPatch, StoredEvent } from './edits';

/** What is in the fields of the form, as text. */
export interface FormFields {
  /** The clock of the person's zone, as `<input type="datetime-local">` has it. */
  start: string;
  /** Hours, minutes and seconds: "1:02:03.5" */
  duration: string;
  /** Strings as they are, other values as JSON. */
  data: { name: string; value: string; text: boolean }[];
}

export function fieldsOf(event: StoredEvent, zone: string): FormFields {
  const local = Temporal.Instant.from(event.timestamp).toZonedDateTimeISO(zone).toPlainDateTime();
  return {
    start: local.round('millisecond').toString({ fractionalSecondDigits: 3 }),
    duration: clockOf(event.duration),
    data: Object.entries(event.data).map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
      text: typeof value === 'string',
    })),
  };
}

export function clockOf(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const whole = Math.floor(milliseconds / 1000);
  const rest = milliseconds % 1000 === 0 ? '' : `.${String(milliseconds % 1000).padStart(3, '0')}`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${rest}`;
}

/** Seconds; null if it cannot be read. "90" are seconds, "1:30" minutes and seconds. */
export function secondsOf(clock: string): number | null {
  if (!/^\d+(:\d{1,2}){0,2}([.,]\d+)?$/.test(clock.trim())) return null;
  const parts = clock.trim().replace(',', '.').split(':').map(Number);
  const seconds = parts.reduce((sum, part) => sum * 60 + part, 0);
  return Number.isFinite(seconds) ? seconds : null;
}

export type Problem = 'start' | 'duration' | { readonly field: string };

/** What has changed, as the server wants it; or what cannot be read. A field that was not touched is not sent: it may have more digits than we show. */
export function patchOf(event: StoredEvent, fields: FormFields, zone: string): EventPatch | { problem: Problem } {
  const before = fieldsOf(event, zone);
  const patch: EventPatch = {};
  if (fields.start !== before.start) {
    const start = instantOf(fields.start, zone);
    if (start === null) return { problem: 'start' };
    patch.timestamp = start;
  }
  if (fields.duration !== before.duration) {
    const seconds = secondsOf(fields.duration);
    if (seconds === null) return { problem: 'duration' };
    patch.duration = seconds;
  }
  const data: Record<string, unknown> = {};
  for (const field of fields.data) {
    const old = before.data.find((one) => one.name === field.name);
    if (old?.value === field.value) continue;
    const value = field.text ? field.value : parsed(field.value);
    if (value === undefined) return { problem: { field: field.name } };
    data[field.name] = value;
  }
  // A merge patch removes what is null.
  for (const old of before.data) if (!fields.data.some((field) => field.name === old.name)) data[old.name] = null;
  if (Object.keys(data).length > 0) patch.data = data;
  return patch;
}

function instantOf(local: string, zone: string): string | null {
  try {
    return Temporal.PlainDateTime.from(local).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return null;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
