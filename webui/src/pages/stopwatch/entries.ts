import { dayOf, Temporal, type Calendar } from '../../calendar';

/** An event of the bucket `aw-stopwatch`, in the form of the standard web UI: a label, and whether it runs. Tags are ours. */
export interface Entry {
  readonly id: number;
  readonly start: string;
  /** Seconds; of a running one, those that were stored last. */
  readonly duration: number;
  readonly running: boolean;
  readonly label: string;
  readonly tags: readonly string[];
}

export interface StoredEvent {
  readonly id?: number | null;
  readonly timestamp: string;
  readonly duration: number;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

export function entryOf({ id, timestamp, duration, data }: StoredEvent): Entry {
  const tags = data?.['tags'];
  const label = data?.['label'];
  return {
    id: id ?? 0,
    start: timestamp,
    duration,
    running: data?.['running'] === true,
    label: typeof label === 'string' ? label : '',
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [],
  };
}

export function endOf(entry: Entry): string {
  return Temporal.Instant.from(entry.start)
    .add({ milliseconds: Math.round(entry.duration * 1000) })
    .toString();
}

/** "work, , Acme , work" is work and Acme. */
export function tagsFrom(text: string): string[] {
  const tags = text.split(',').map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ''))];
}

export interface EntryDay {
  readonly date: Temporal.PlainDate;
  readonly total: number;
  readonly entries: readonly Entry[];
}

/** The days of entries that have ended, the newest first. An entry belongs to the day on which it begins. */
export function byDay(entries: readonly Entry[], calendar: Calendar): EntryDay[] {
  const days = new Map<string, { date: Temporal.PlainDate; entries: Entry[] }>();
  for (const entry of entries) {
    if (entry.running) continue;
    const date = dayOf(Temporal.Instant.from(entry.start), calendar);
    const day = days.get(date.toString()) ?? { date, entries: [] };
    day.entries.push(entry);
    days.set(date.toString(), day);
  }
  return [...days.values()]
    .sort((a, b) => Temporal.PlainDate.compare(b.date, a.date))
    .map(({ date, entries: of }) => ({
      date,
      total: of.reduce((sum, entry) => sum + entry.duration, 0),
      entries: of.sort((a, b) => (a.start < b.start ? 1 : -1)),
    }));
}

/** "0:04:09", as a stopwatch shows it. */
export function clockText(seconds: number): string {
  const whole = Math.max(Math.floor(seconds), 0);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
