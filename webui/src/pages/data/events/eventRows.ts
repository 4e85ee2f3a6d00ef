import type { Schema } from '../../../api';

export type EventRow = Required<Pick<Schema<'PagedEvent'>, 'id' | 'timestamp' | 'duration' | 'data'>>;

export interface EventSlice {
  /** Newest first. */
  readonly events: readonly EventRow[];
  readonly next: string | null;
  readonly prev: string | null;
}

/** What the rows need of the API: the events that begin before an instant, and how many those are. */
export interface EventSource {
  count(end: string | null, signal: AbortSignal): Promise<number>;
  slice(query: { end?: string; cursor?: string; limit: number }, signal: AbortSignal): Promise<EventSlice>;
}

export const PAGE = 200;
/** Events more than needed that one request may load to reach a place. */
const SLACK = 2000;
const MOST = 10_000;

interface Page {
  /** Oldest first. */
  readonly events: readonly EventRow[];
  readonly older: string | null;
  readonly newer: string | null;
}

/**
 * All events of a bucket by their number, counted from the oldest, so that new events move none. Pages load by the cursor of a neighbour.
 * A place far from all of them is found by time: the server counts the events before an instant, which names the exact number of the
 * event there; a few guesses between known instants lead to the page.
 */
export class EventRows {
  #pages = new Map<number, Page>();
  #loading = new Map<number, AbortController>();
  /** Instants (nanoseconds) and the number of events before them, in order. */
  #knots: { time: bigint; index: number }[];

  constructor(
    private readonly source: EventSource,
    public total: number,
    extent: { start: string; end: string },
    private readonly changed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#knots = [
      { time: nanoseconds(extent.start), index: 0 },
      { time: nanoseconds(extent.end) + 1n, index: total },
    ];
  }

  row(index: number): EventRow | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.events[index % PAGE];
  }

  /** Loads what is missing of these rows, and gives up what was asked for before and is far from them. */
  need(first: number, end: number): void {
    const from = Math.floor(Math.max(first, 0) / PAGE);
    const to = Math.floor(Math.max(Math.min(end, this.total) - 1, 0) / PAGE);
    for (const [page, controller] of this.#loading) {
      if (page < from - 1 || page > to + 1) controller.abort();
    }
    for (let page = from; page <= to; page += 1) {
      if (this.#pages.has(page) || this.#loading.has(page) || this.total === 0) continue;
      void this.#load(page);
    }
  }

  /** The number of events that begin before an instant. */
  async before(instant: string, signal: AbortSignal): Promise<number> {
    const index = await this.source.count(instant, signal);
    this.#learn(nanoseconds(instant), index);
    return index;
  }

  /** Changes a loaded row in place, until it is loaded anew. */
  replace(id: number, change: (row: EventRow) => EventRow): void {
    for (const [number, page] of this.#pages) {
      const at = page.events.findIndex((event) => event.id === id);
      const row = page.events[at];
      if (row === undefined) continue;
      this.#pages.set(number, { ...page, events: page.events.with(at, change(row)) });
      this.changed();
      return;
    }
  }

  /** Events were added at the newest end. */
  grow(total: number): void {
    if (total <= this.total) return;
    // The last page may have been shorter than a full one, and has no neighbour to go on from.
    this.#pages.delete(Math.floor(this.total / PAGE));
    this.#pages.delete(Math.floor(Math.max(this.total - 1, 0) / PAGE));
    this.total = total;
    this.#knots.pop();
    this.#knots.push({ time: BigInt(Date.now()) * 1_000_000n + 86_400_000_000_000n, index: total });
    this.changed();
  }

  close(): void {
    for (const controller of this.#loading.values()) controller.abort();
  }

  async #load(number: number): Promise<void> {
    const controller = new AbortController();
    this.#loading.set(number, controller);
    try {
      await this.#fetch(number, controller.signal);
      this.changed();
    } catch (error) {
      if (!controller.signal.aborted) this.failed(error);
    } finally {
      if (this.#loading.get(number) === controller) this.#loading.delete(number);
    }
  }

  async #fetch(number: number, signal: AbortSignal): Promise<void> {
    const first = number * PAGE;
    const end = Math.min(first + PAGE, this.total);
    const limit = end - first;
    const older = this.#pages.get(number + 1)?.older;
    const newer = this.#pages.get(number - 1)?.newer;
    if (typeof older === 'string') this.#keep(await this.source.slice({ cursor: older, limit }, signal), end);
    else if (typeof newer === 'string') {
      const slice = await this.source.slice({ cursor: newer, limit }, signal);
      this.#keep(slice, first + slice.events.length);
    } else if (end === this.total) this.#keep(await this.source.slice({ limit }, signal), end);
    else {
      const { time, index } = await this.#find(end, signal);
      const count = Math.min(index - first, MOST);
      this.#keep(await this.source.slice({ end: instant(time), limit: count }, signal), index);
    }
  }

  /** An instant before which there are at least `end` events, and hardly more. */
  async #find(end: number, signal: AbortSignal): Promise<{ time: bigint; index: number }> {
    for (let guess = 0; ; guess += 1) {
      const high = this.#knots.find((knot) => knot.index >= end);
      const low = this.#knots.findLast((knot) => knot.index < end);
      if (high === undefined || low === undefined) throw new Error('The events have changed; load them again.');
      if (high.index - end <= SLACK || high.time - low.time <= 1n) return high;
      const span = high.time - low.time;
      const share = (end + SLACK / 2 - low.index) / (high.index - low.index);
      // Every third guess halves, so that a bucket whose events are all in one corner is no trap.
      const step = guess % 3 === 2 || share >= 1 ? span / 2n : BigInt(Math.round(Number(span) * share));
      const time = low.time + (step < 1n ? 1n : step >= span ? span - 1n : step);
      this.#learn(time, await this.source.count(instant(time), signal));
    }
  }

  #learn(time: bigint, index: number): void {
    const at = this.#knots.findIndex((knot) => knot.time >= time);
    if (at < 0) return;
    if (this.#knots[at]?.time === time) return;
    this.#knots.splice(at, 0, { time, index });
  }

  /** Keeps the whole pages of a slice whose newest event is the one before `end`. */
  #keep(slice: EventSlice, end: number): void {
    const events = slice.events.toReversed();
    const start = end - events.length;
    for (let number = Math.ceil(start / PAGE); number * PAGE < end; number += 1) {
      const first = number * PAGE;
      const last = Math.min(first + PAGE, this.total);
      if (last > end) break;
      this.#pages.set(number, {
        events: events.slice(first - start, last - start),
        older: first === start ? slice.next : null,
        newer: last === end ? slice.prev : null,
      });
    }
  }
}

function nanoseconds(instant: string): bigint {
  const [, whole = instant, fraction = ''] = /^(.*?)(?:\.(\d+))?(?:Z|[+-]00:00)$/.exec(instant) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

function instant(time: bigint): string {
  const second = 1_000_000_000n;
  const rest = ((time % second) + second) % second;
  const date = new Date(Number((time - rest) / 1_000_000n)).toISOString().slice(0, 19);
  return `${date}.${String(rest).padStart(9, '0')}Z`;
}
