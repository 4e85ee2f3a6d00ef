import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BINARY, type Server } from './server';

/** Times are whole microseconds: fake events are in milliseconds, and filling a gap gives each side half of it. */
type Micros = number;

interface Event {
  start: Micros;
  end: Micros;
  data: Record<string, unknown>;
}

export interface Interval {
  start: Micros;
  end: Micros;
}

/** What was in front while somebody was there. */
export interface Activity extends Interval {
  app: string;
  title: string;
}

export interface Plan {
  days: number;
  start: string;
  zone: string;
  seed?: number;
  devices?: number;
  profile?: 'developer' | 'student' | 'manager';
}

interface Bucket {
  type: string;
  hostname: string;
  events: { timestamp: string; duration: number; data: Record<string, unknown> }[];
}

const GAP = 5_000_000;
const BROWSERS: Readonly<Record<string, string>> = { chrome: 'Google-chrome', firefox: 'firefox' };

/** The events of a plan, straight from the generator: no server has had them in its hands. */
export async function fakeBuckets(plan: Plan): Promise<Record<string, Bucket>> {
  const args = Object.entries(plan).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const { stdout } = await promisify(execFile)(BINARY, ['fake', ...args, '--output', '-'], { maxBuffer: 1 << 30 });
  return (JSON.parse(stdout) as { buckets: Record<string, Bucket> }).buckets;
}

/** The definition in docs/activity.md for one device, in plain loops. */
export function activityOf(buckets: Record<string, Bucket>, host: string): Activity[] {
  const ofHost = Object.entries(buckets).filter(([, bucket]) => bucket.hostname === host);
  const eventsOf = (type: string) => flood(read(ofHost.find(([, bucket]) => bucket.type === type)?.[1]));
  const windows = eventsOf('currentwindow');
  const there = eventsOf('afkstatus').filter((event) => event.data['status'] === 'not-afk');
  const audible = ofHost
    .filter(([, bucket]) => bucket.type === 'web.tab.current')
    .flatMap(([id, bucket]) => {
      const app = Object.entries(BROWSERS).find(([name]) => id.includes(name))?.[1];
      const front = windows.filter((event) => event.data['app'] === app);
      return flood(read(bucket))
        .filter((event) => event.data['audible'] === true)
        .flatMap((event) => overlaps(event, front));
    });
  const present = union([...there, ...audible]);
  return windows.flatMap((window) =>
    overlaps(window, present).map((part) => ({
      ...part,
      app: String(window.data['app']),
      title: String(window.data['title']),
    })),
  );
}

/**
 * The stopwatch comes before everything else at its time, in the way of `together`. As in the standard web UI's query, its newest event comes first, so
 * that older ones are cut out of nothing; and so the result depends on the period.
 */
export function withStopwatch(
  activity: readonly Activity[],
  buckets: Record<string, Bucket>,
  period: Interval,
): Activity[] {
  const stopwatch = Object.values(buckets).find((bucket) => bucket.type === 'general.stopwatch');
  const running = read(stopwatch).map(({ start, end }) => ({ start, end, app: '', title: '' }));
  return together(within(running, period).reverse(), within(activity, period));
}

function within(activity: readonly Activity[], { start, end }: Interval): Activity[] {
  const parts = activity.map((span) => ({
    ...span,
    start: Math.max(span.start, start),
    end: Math.min(span.end, end),
  }));
  return parts.filter((span) => span.end > span.start);
}

/**
 * Of two devices in use at the same time the first one counts: `union_no_overlap` of the query language, which the standard web UI uses. Like there, if a
 * span of the first list overlaps several spans of the second, only the first of those is cut (docs/query.md).
 */
export function together(first: readonly Activity[], second: readonly Activity[]): Activity[] {
  const all: Activity[] = [];
  const rest = [...second].reverse();
  let at = 0;
  for (;;) {
    const [a, b] = [first[at], rest.at(-1)];
    if (a === undefined || b === undefined) break;
    const overlap = a.start < b.end && b.start < a.end;
    if (a.start <= b.start) {
      all.push(a);
      at += 1;
      if (!overlap) continue;
      rest.pop();
      if (b.end > a.end) rest.push({ ...b, start: a.end });
    } else {
      rest.pop();
      all.push(overlap ? { ...b, end: a.start } : b);
      if (overlap) rest.push({ ...b, start: a.start });
    }
  }
  return [...all, ...first.slice(at), ...rest.reverse()];
}

/** Sound counts for a single device only. */
export function activityWithoutSound(buckets: Record<string, Bucket>, host: string): Activity[] {
  const silent = Object.entries(buckets).filter(([, bucket]) => bucket.type !== 'web.tab.current');
  return activityOf(Object.fromEntries(silent), host);
}

/** Seconds within an interval. */
export function total(activity: readonly Activity[], { start, end }: Interval): number {
  let micros = 0;
  for (const span of activity) micros += Math.max(0, Math.min(span.end, end) - Math.max(span.start, start));
  return micros / 1e6;
}

export function byApp(activity: readonly Activity[], { start, end }: Interval): Map<string, number> {
  const apps = new Map<string, number>();
  for (const span of activity) {
    const micros = Math.min(span.end, end) - Math.max(span.start, start);
    if (micros > 0) apps.set(span.app, (apps.get(span.app) ?? 0) + micros);
  }
  return new Map([...apps].map(([app, micros]) => [app, micros / 1e6]));
}

export function micros(instant: string): Micros {
  return Date.parse(instant) * 1000;
}

/** Four in the morning in Berlin, in 2026. */
export function berlinMorning(start: string, days: number): number {
  const date = new Date(`${start}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  const text = date.toISOString().slice(0, 10);
  const summer = text >= '2026-03-29' && text < '2026-10-25';
  return micros(`${text}T04:00:00${summer ? '+02:00' : '+01:00'}`);
}

/** Waits until fake data are made. */
export async function finished(server: Server, id: string): Promise<void> {
  for (;;) {
    const run = await server.get<{ phase: string; error: string | null }>(`/api/1/import/run/${id}`);
    if (run.phase === 'done') return;
    if (run.phase !== 'waiting' && run.phase !== 'reading') throw new Error(run.error ?? run.phase);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function read(bucket: Bucket | undefined): Event[] {
  return (bucket?.events ?? []).map((event) => {
    const start = micros(event.timestamp);
    return { start, end: start + Math.round(event.duration * 1e6), data: event.data };
  });
}

/** Fills gaps of less than five seconds. The events are in order and do not overlap. */
function flood(events: Event[]): Event[] {
  const filled: Event[] = [];
  for (const event of events) {
    const last = filled.at(-1);
    const gap = last === undefined ? GAP : event.start - last.end;
    if (last === undefined || gap >= GAP) {
      filled.push({ ...event });
    } else if (JSON.stringify(last.data) === JSON.stringify(event.data)) {
      last.end = event.end;
    } else {
      last.end += gap / 2;
      filled.push({ ...event, start: last.end });
    }
  }
  return filled;
}

function union(spans: readonly Interval[]): Interval[] {
  const sorted = spans.map(({ start, end }) => ({ start, end })).sort((a, b) => a.start - b.start);
  const joined: Interval[] = [];
  for (const span of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else joined.push(span);
  }
  return joined;
}

/** The parts of a span that lie in others, which are in order and apart. */
function overlaps(span: Interval, others: readonly Interval[]): Interval[] {
  const parts: Interval[] = [];
  for (let at = firstAfter(others, span.start); at < others.length; at += 1) {
    const other = others[at];
    if (other === undefined || other.start >= span.end) break;
    const part = { start: Math.max(span.start, other.start), end: Math.min(span.end, other.end) };
    if (part.end > part.start) parts.push(part);
  }
  return parts;
}

/** The place of the first interval that ends after an instant. */
function firstAfter(intervals: readonly Interval[], instant: Micros): number {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((intervals[middle]?.end ?? Infinity) <= instant) low = middle + 1;
    else high = middle;
  }
  return low;
}
