import { bucketKey, type Span, type Target, type Timeline } from '../../timeline';
import type { StoredEvent } from './edits';

/** What is chosen on the timeline: a span of a lane, or a range of time. */
export class Selection {
  target = $state.raw<Target | null>(null);
  range = $state.raw<Span | null>(null);
  /** The range is an absence, and the person is asked what it was. */
  away = $state(false);
  /** The range is still being marked. */
  marking = $state(false);
  /** Where the target was clicked. */
  time = $state(0);
  /** Chosen with a key: the focus goes into the panel, and back when it closes. */
  byKey = $state(false);

  get any(): boolean {
    return this.target !== null || this.range !== null;
  }

  pick(target: Target | null, time: number, byKey: boolean): void {
    this.target = target;
    this.range = null;
    this.time = time;
    this.byKey = byKey;
  }

  mark(range: Span | null, done: boolean): void {
    this.target = null;
    this.range = range;
    this.away = false;
    this.marking = !done;
    this.byKey = false;
  }

  /** Asks what an absence was. */
  askAway(absence: Span): void {
    this.mark(absence, true);
    this.away = true;
  }

  /** Shows an event as it is stored. */
  show(event: StoredEvent): void {
    const start = Date.parse(event.timestamp);
    const time = event.duration * 1000;
    const { id, data } = event;
    this.target = { lane: bucketKey(event.bucket), id, data, start, end: start + time, covered: time, time, events: 1 };
    this.range = null;
  }

  clear(timeline: Timeline | null): void {
    this.target = null;
    this.range = null;
    timeline?.mark({ range: null });
  }
}
