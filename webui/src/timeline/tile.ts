import type { components } from '../api/schema';
import type { Span } from './view';

export type Data = Readonly<Record<string, unknown>>;
type Answer = components['schemas']['Timeline'];
type AnswerLane = components['schemas']['TimelineLane'];

/** The spans of a lane, a column for each field: tens of thousands of them are walked through in each frame. */
export interface LaneSpans {
  /** Each span is an event, as it is stored, and finer tiles would show the same. */
  readonly exact: boolean;
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Milliseconds in which there is an event. */
  readonly covered: Float64Array;
  /** Milliseconds of the data with the most time. */
  readonly time: Float64Array;
  /** 0: not known (categories are sums of parts of events). */
  readonly events: Uint32Array;
  readonly data: Uint32Array;
  /** NaN if the span is not one event. */
  readonly id: Float64Array;
}

/** What the server answered for a part of time. */
export interface Tile {
  readonly span: Span;
  readonly lanes: ReadonlyMap<string, LaneSpans>;
  readonly data: readonly Data[];
}

/** The name of a lane in tiles, layout and address: `b:` and the id of the bucket, or `c:` and the names of the category. */
export function laneKey(lane: Pick<AnswerLane, 'bucket' | 'category'>): string {
  return lane.bucket === undefined ? categoryKey(lane.category ?? []) : bucketKey(lane.bucket);
}

export const bucketKey = (bucket: string): string => `b:${bucket}`;
export const categoryKey = (names: readonly string[]): string => `c:${JSON.stringify(names)}`;

export function readTile(answer: Answer, span: Span): Tile {
  return {
    span,
    data: answer.data as readonly Data[],
    lanes: new Map(answer.lanes.map((lane) => [laneKey(lane), readLane(lane)])),
  };
}

function readLane(lane: AnswerLane): LaneSpans {
  const count = lane.spans.length;
  const columns = {
    exact: lane.resolution === null,
    count,
    start: new Float64Array(count),
    end: new Float64Array(count),
    covered: new Float64Array(count),
    time: new Float64Array(count),
    events: new Uint32Array(count),
    data: new Uint32Array(count),
    id: new Float64Array(count).fill(NaN),
  };
  lane.spans.forEach((span, i) => {
    columns.start[i] = Date.parse(span.start);
    columns.end[i] = Date.parse(span.end);
    columns.covered[i] = span.covered * 1000;
    columns.time[i] = span.time * 1000;
    columns.events[i] = span.events ?? 0;
    columns.data[i] = span.data;
    if (span.id !== undefined) columns.id[i] = span.id;
  });
  return columns;
}

const exactness = new WeakMap<Tile, boolean>();

/** Whether the tile has each event of its time, in all lanes. */
export function isExact(tile: Tile): boolean {
  let known = exactness.get(tile);
  if (known === undefined) {
    known = [...tile.lanes.values()].every((lane) => lane.exact);
    exactness.set(tile, known);
  }
  return known;
}

/** The first span that ends after the time. Spans are in the order of their starts; `end` grows with it but for overlapping events. */
export function firstAfter(lane: LaneSpans, time: number): number {
  let low = 0;
  let high = lane.count;
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((lane.end[mid] ?? 0) <= time) low = mid + 1;
    else high = mid;
  }
  return low;
}
