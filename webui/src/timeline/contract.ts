import type { Calendar } from '../calendar';
import type { Paints } from './colors';
import type { Layout } from './lanes';
import type { Looks } from './looks';
import type { LiveSpan, Target } from './paint/scene';
import type { Span } from './view';

/** What the timeline tells those who show it. */
export interface TimelineEvents {
  /** The view has moved; `settled` when it stays there. */
  view(view: Span, settled: boolean): void;
  /** What the pointer is at, and where; null if it is at nothing. */
  hover(target: Target | null, x: number, y: number): void;
  /** Somebody chose this; null: nothing, by a click beside everything. */
  pick(target: Target | null, time: number): void;
  range(range: Span | null, done: boolean): void;
  scroll(pixels: number): void;
  /** Tiles came in, or failed to. */
  loaded(loading: boolean, error: unknown): void;
}

/** What is shown and how. All of it can change at any time. */
export interface TimelineInput {
  readonly layout: Layout;
  readonly looks: Looks;
  readonly paints: Paints;
  readonly calendar: Calendar;
  readonly locale: string;
  readonly live: ReadonlyMap<string, LiveSpan>;
  readonly laneLabels: boolean;
  /** A drag marks a range instead of moving the view. */
  readonly marking: boolean;
}
