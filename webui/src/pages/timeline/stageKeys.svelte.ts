import { settings } from '../../settings';
import { duration, instantText, number, percent, t } from '../../text';
import { Looks, type Lane, type Span, type Target, type Timeline } from '../../timeline';
import type { TimelineModel } from './model.svelte';

interface Done {
  pick(target: Target): void;
  range(span: Span): void;
  reveal(lane: string): void;
}

/**
 * The cursor of the keyboard: up and down choose a lane, left and right go from event to event, Enter opens. Without a cursor the arrows
 * move through time, as everywhere on the page.
 */
export class StageKeys {
  cursor = $state.raw<Target | null>(null);
  /** What a screen reader says about the cursor. */
  said = $state('');
  #lane: string | null = null;
  #anchor: Target | null = null;

  constructor(
    private readonly timeline: () => Timeline | null,
    private readonly model: () => TimelineModel,
    private readonly done: Done,
  ) {}

  handle = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#take(event)) event.preventDefault();
  };

  leave = (): void => {
    this.cursor = null;
    this.#anchor = null;
  };

  #take(event: KeyboardEvent): boolean {
    switch (event.key) {
      case 'ArrowDown':
        return this.#changeLane(1);
      case 'ArrowUp':
        return this.#changeLane(-1);
      case 'ArrowRight':
        return this.#step(1, event.shiftKey);
      case 'ArrowLeft':
        return this.#step(-1, event.shiftKey);
      case 'Enter':
      case ' ':
        if (this.cursor === null) return false;
        this.done.pick(this.cursor);
        return true;
      case 'Escape':
        if (this.cursor === null) return false;
        this.leave();
        return true;
      default:
        return false;
    }
  }

  #lanes(): Lane[] {
    return this.model().layout.rows.flatMap((row) => (row.kind === 'lane' ? [row.lane] : []));
  }

  #changeLane(by: 1 | -1): boolean {
    const lanes = this.#lanes();
    if (lanes.length === 0) return true;
    const at = lanes.findIndex((lane) => lane.key === this.#lane);
    const next = lanes[Math.min(Math.max(this.cursor === null && at >= 0 ? at : at + by, 0), lanes.length - 1)];
    if (next === undefined) return true;
    this.#lane = next.key;
    this.#anchor = null;
    this.done.reveal(next.key);
    const view = this.timeline()?.view;
    const time = this.cursor?.start ?? (view === undefined ? 0 : (view.start + view.end) / 2);
    const targets = this.timeline()?.targets(next.key) ?? [];
    let best: Target | null = null;
    for (const target of targets) {
      if (best === null || Math.abs(target.start - time) < Math.abs(best.start - time)) best = target;
    }
    this.cursor = best;
    this.said =
      best === null ? t('timeline.cursor.none', { lane: next.title }) : `${next.title}: ${this.#words(next, best)}`;
    return true;
  }

  #step(by: 1 | -1, marks: boolean): boolean {
    const timeline = this.timeline();
    if (timeline === null || this.cursor === null || this.#lane === null) return false;
    const lane = this.#lanes().find((one) => one.key === this.#lane);
    if (lane === undefined) return false;
    const next = timeline.step(lane.key, this.cursor, by);
    if (next === null) {
      timeline.panBy(by * 0.5);
      this.said = t('timeline.cursor.moved');
      return true;
    }
    this.#anchor = marks ? (this.#anchor ?? this.cursor) : null;
    this.cursor = next;
    this.said = this.#words(lane, next);
    const view = timeline.view;
    if (next.start < view.start || next.start > view.end) {
      const shift = next.start - (view.start + view.end) / 2;
      timeline.show({ start: view.start + shift, end: view.end + shift }, true);
    }
    if (this.#anchor !== null) {
      const anchor = this.#anchor;
      this.done.range({ start: Math.min(anchor.start, next.start), end: Math.max(anchor.end, next.end) });
    }
    return true;
  }

  #words(lane: Lane, target: Target): string {
    return spoken(this.model().looks, lane, target);
  }
}

/** A span in words: what, when, how long, and how much of it if it is a sum of many. */
export function spoken(looks: Looks, lane: Lane, target: Target): string {
  const { label, detail } = looks.of(lane.kind, target.data);
  const seconds = (target.end - target.start) / 1000;
  const what = [label, detail].filter((part) => part !== '').join(', ');
  const when = instantText(new Date(target.start).toISOString(), settings.calendar.zone);
  if (target.id !== null || target.events === 1) return `${what}. ${when}, ${duration(seconds)}.`;
  const share = percent(target.covered / Math.max(target.end - target.start, 1));
  return `${when}, ${duration(seconds)}: ${t('timeline.cell', { what, share, count: target.events, events: number(target.events) })}`;
}
