import { SvelteSet } from 'svelte/reactivity';
import { isAbort, toApiError, type ApiError } from '../../../api';
import type { Head } from '../../../live';
import type { BucketInfo } from '../buckets/listing';
import { EventRows, type EventRow } from './eventRows';
import { eventSource, findEvents, MOST_FOUND, type EventFilter } from './source';

export type Order = 'newest' | 'oldest';

/** What the table of a bucket shows: all events, or those that a filter finds, in one of two orders; and which are selected. */
export class BucketEvents {
  order = $state<Order>('newest');
  filter = $state.raw<EventFilter>({ text: '', field: '' });
  /** All events of the bucket. */
  total = $state(0);
  found = $state.raw<readonly EventRow[] | null>(null);
  finding = $state(false);
  error = $state.raw<ApiError | null>(null);
  /** Keys of the data, the most common first. */
  keys = $state.raw<readonly string[]>([]);
  readonly picked = new SvelteSet<number>();

  #version = $state(0);
  #rows: EventRows | null = null;
  #finder: AbortController | null = null;
  #range = { first: 0, end: 0 };

  readonly filtered = $derived(this.filter.text !== '');
  readonly count = $derived(this.filtered ? Math.min(this.found?.length ?? 0, MOST_FOUND) : this.total);
  /** The rows that are in sight, counted from one. */
  sight = $state.raw({ first: 1, end: 1 });
  readonly tooMany = $derived(this.filtered && (this.found?.length ?? 0) > MOST_FOUND);

  constructor(readonly bucket: string) {}

  /** Begins with what is known of the bucket; again after each change of many events. */
  open(info: BucketInfo): void {
    this.#rows?.close();
    this.error = null;
    this.total = info.count;
    const extent = { start: info.first ?? info.created, end: info.last ?? info.created };
    this.#rows = new EventRows(
      eventSource(this.bucket),
      info.count,
      extent,
      () => this.#arrived(),
      (error) => {
        if (!isAbort(error)) this.error = toApiError(error);
      },
    );
    this.#version += 1;
    if (this.#range.end > 0) this.look(this.#range.first, this.#range.end);
    else this.look(0, 50);
    if (this.filtered) void this.find(this.filter);
  }

  close(): void {
    this.#rows?.close();
    this.#finder?.abort();
  }

  row(index: number): EventRow | undefined {
    void this.#version;
    if (this.filtered) return this.found?.[this.#position(index)];
    return this.#rows?.row(this.#position(index));
  }

  look(first: number, end: number): void {
    this.#range = { first, end };
    if (this.filtered || this.total === 0) return;
    if (this.order === 'oldest') this.#rows?.need(first, end);
    else this.#rows?.need(this.total - end, this.total - first);
  }

  retry = (): void => {
    this.error = null;
    this.look(this.#range.first, this.#range.end);
  };

  /** The row of a moment: the newest event that begins before it, or in the other order the first that does not. */
  async rowAt(instant: string, signal: AbortSignal): Promise<number> {
    if (this.filtered) {
      const time = Date.parse(instant);
      const later = this.found?.findIndex((event) => Date.parse(event.timestamp) <= time) ?? 0;
      const newer = later < 0 ? this.count : later;
      return this.order === 'newest' ? newer : this.count - newer;
    }
    const before = (await this.#rows?.before(instant, signal)) ?? 0;
    return this.order === 'newest' ? this.total - before : before;
  }

  async find(filter: EventFilter): Promise<void> {
    this.#finder?.abort();
    this.filter = filter;
    this.found = null;
    this.error = null;
    if (filter.text === '') return this.look(0, 50);
    const controller = new AbortController();
    this.#finder = controller;
    this.finding = true;
    try {
      this.found = await findEvents(this.bucket, filter, controller.signal);
      this.#version += 1;
      if (this.keys.length === 0) this.#collectKeys(this.found.slice(0, 200));
    } catch (error) {
      if (!isAbort(error)) this.error = toApiError(error);
    } finally {
      if (this.#finder === controller) this.finding = false;
    }
  }

  /** Shows a changed event at once. */
  replace(id: number, change: (row: EventRow) => EventRow): void {
    this.#rows?.replace(id, change);
    this.found = this.found?.map((row) => (row.id === id ? change(row) : row)) ?? null;
  }

  /** News of the bucket: the number of rows that came in at the newest end. */
  news(head: Head): number {
    const { event, count } = head;
    if (event !== null && event.data !== null)
      this.replace(event.id, (row) => ({ ...row, duration: event.duration, timestamp: event.timestamp }));
    const more = count - this.total;
    if (more <= 0) return 0;
    this.#rows?.grow(count);
    this.total = count;
    this.look(this.#range.first, this.#range.end);
    return more;
  }

  #position(index: number): number {
    const forward = this.filtered ? this.order === 'newest' : this.order === 'oldest';
    return forward ? index : this.count - 1 - index;
  }

  #arrived(): void {
    this.#version += 1;
    if (this.keys.length > 0) return;
    const { first, end } = this.#range;
    const rows = Array.from({ length: end - first }, (_, i) => this.row(first + i));
    this.#collectKeys(rows.filter((row) => row !== undefined));
  }

  /** The columns are the keys of the first events that arrive; later ones do not move them. */
  #collectKeys(rows: readonly EventRow[]): void {
    const counts: Record<string, number> = {};
    for (const row of rows) for (const key of Object.keys(row.data)) counts[key] = (counts[key] ?? 0) + 1;
    this.keys = Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([key]) => key)
      .slice(0, 24);
  }
}
