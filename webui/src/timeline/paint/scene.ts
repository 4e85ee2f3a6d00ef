import type { Axis } from '../axis';
import type { Paints } from '../colors';
import type { Layout } from '../lanes';
import type { Looks } from '../looks';
import type { Data } from '../tile';
import type { Piece } from '../tileCache';
import type { Scale, Span } from '../view';

/** The event of a bucket that is going on, as the stream delivers it: newer than any tile. */
export interface LiveSpan extends Span {
  readonly id: number;
  readonly data: Data;
}

/** What the person points at or has chosen: a span of a lane. */
export interface Target extends Span {
  readonly lane: string;
  readonly data: Data;
  readonly covered: number;
  readonly time: number;
  readonly events: number;
  /** Null if it is not one event as it is stored. */
  readonly id: number | null;
}

/** All that a frame is painted from. */
export interface Scene {
  readonly scale: Scale;
  readonly width: number;
  readonly height: number;
  /** The height of the axis, which stays when the lanes are scrolled. */
  readonly axisHeight: number;
  readonly scrollTop: number;
  readonly layout: Layout;
  readonly pieces: readonly Piece[];
  readonly live: ReadonlyMap<string, LiveSpan>;
  readonly axis: Axis;
  readonly looks: Looks;
  readonly paints: Paints;
  readonly now: number;
  /** Names of lanes on the canvas, where there is no room for a column of them. */
  readonly laneLabels: boolean;
}

export interface Marks {
  readonly hover: Target | null;
  readonly selected: Target | null;
  readonly cursor: Target | null;
  readonly range: Span | null;
  readonly pointer: number | null;
}
