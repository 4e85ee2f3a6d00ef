export interface ResultEvent {
  readonly id: number | null;
  readonly timestamp: string;
  readonly duration: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A part of a result that can be shown by itself: a list of events, or another value. */
export type Part =
  | { readonly path: string; readonly kind: 'events'; readonly events: readonly ResultEvent[] }
  | { readonly path: string; readonly kind: 'value'; readonly value: unknown };

const DEEPEST = 6;

/** Each member of a dict is a part of its own, under its path: `window.app_events`. */
export function partsOf(result: unknown, path = '', depth = 0): Part[] {
  if (isEvents(result)) return [{ path, kind: 'events', events: result }];
  if (isObject(result) && Object.keys(result).length > 0 && depth < DEEPEST) {
    return Object.entries(result).flatMap(([name, value]) =>
      partsOf(value, path === '' ? name : `${path}.${name}`, depth + 1),
    );
  }
  return [{ path, kind: 'value', value: result }];
}

function isEvents(value: unknown): value is ResultEvent[] {
  return Array.isArray(value) && value.length > 0 && value.every(isEvent);
}

function isEvent(value: unknown): value is ResultEvent {
  return (
    isObject(value) &&
    typeof value['timestamp'] === 'string' &&
    typeof value['duration'] === 'number' &&
    isObject(value['data'])
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The keys of the data, those of most events first. */
export function keysOf(events: readonly ResultEvent[]): string[] {
  const counts = new Map<string, number>();
  for (const { data } of events) for (const key of Object.keys(data)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([key]) => key);
}

export function cellText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(' › ');
  return JSON.stringify(value);
}

/** The key that tells events apart best: what a chart is labelled by. */
export function bestKey(events: readonly ResultEvent[]): string {
  const keys = keysOf(events);
  return ['$category', '$domain', 'app', 'title', 'label', 'status'].find((key) => keys.includes(key)) ?? keys[0] ?? '';
}

/** Sums by the value of a key, the largest first. */
export function sumsBy(events: readonly ResultEvent[], key: string): { name: string; seconds: number }[] {
  const sums = new Map<string, number>();
  for (const { data, duration } of events) {
    const name = cellText(data[key]);
    sums.set(name, (sums.get(name) ?? 0) + duration);
  }
  return [...sums].map(([name, seconds]) => ({ name, seconds })).sort((a, b) => b.seconds - a.seconds);
}

/** CSV as `timberline query --csv` writes it (RFC 4180). */
export function toCsv(events: readonly ResultEvent[]): string {
  const keys = keysOf(events).sort();
  const line = (cells: readonly string[]) => cells.map(quoted).join(',');
  const rows = events.map(({ timestamp, duration, data }) =>
    line([timestamp, String(duration), ...keys.map((key) => csvValue(data[key]))]),
  );
  return [line(['timestamp', 'duration', ...keys]), ...rows, ''].join('\r\n');
}

function csvValue(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
