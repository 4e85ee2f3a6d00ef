import type { Looks } from './looks';
import type { LaneKind } from './lanes';
import type { LaneSpans, Tile } from './tile';
import { length, type Span } from './view';

/** A column of the strip: milliseconds of each colour, in the order of the lanes. */
export type Column = ReadonlyMap<string, number>;

/** Adds up how long each colour was there in each of so many columns. */
export function columnsOf(
  tile: Tile,
  span: Span,
  count: number,
  looks: Looks,
  kindOf: (lane: string) => LaneKind,
): Column[] {
  const columns = Array.from({ length: count }, () => new Map<string, number>());
  for (const [key, lane] of tile.lanes)
    addLane(columns, span, lane, (i) => looks.of(kindOf(key), tile.data[i] ?? {}).fill);
  return columns;
}

function addLane(columns: Map<string, number>[], span: Span, lane: LaneSpans, colorOf: (data: number) => string): void {
  const size = length(span) / columns.length;
  for (let i = 0; i < lane.count; i += 1) {
    const start = lane.start[i] ?? 0;
    const end = lane.end[i] ?? 0;
    if (end <= span.start || start >= span.end || end <= start) continue;
    const share = (lane.covered[i] ?? 0) / (end - start);
    const color = colorOf(lane.data[i] ?? 0);
    const first = Math.max(Math.floor((start - span.start) / size), 0);
    const last = Math.min(Math.ceil((end - span.start) / size), columns.length);
    for (let at = first; at < last; at += 1) {
      const from = span.start + at * size;
      const inside = Math.min(end, from + size) - Math.max(start, from);
      const column = columns[at];
      if (inside > 0) column?.set(color, (column.get(color) ?? 0) + inside * share);
    }
  }
}

/** Paints the columns as a profile: each as high as something was recorded in it, its colours on top of each other. */
export function paintStrip(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  span: Span,
  width: number,
  height: number,
): void {
  const size = length(span) / columns.length;
  const pixels = width / columns.length;
  columns.forEach((column, i) => {
    const left = Math.round(i * pixels);
    const right = Math.round((i + 1) * pixels);
    const total = [...column.values()].reduce((sum, time) => sum + time, 0);
    // Several devices at once fill a column more than once.
    const scale = height / Math.max(size, total);
    let y = height;
    for (const [color, time] of column) {
      const part = time * scale;
      context.fillStyle = color;
      context.fillRect(left, y - part, right - left, part);
      y -= part;
    }
  });
}
