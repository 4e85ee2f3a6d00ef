import type { Row } from '../lanes';
import type { Look } from '../looks';
import { firstAfter, type LaneSpans } from '../tile';
import type { Piece } from '../tileCache';
import { Batches } from './batches';
import type { LiveSpan, Scene } from './scene';
import type { TextWidths } from './text';

type LaneRow = Extract<Row, { kind: 'lane' }>;

const RADIUS = 3;
const ROUND_FROM = 7;
const LABEL_FROM = 34;
const LABEL_PAD = 6;
const LEAST_BAR = 2;

export interface Fonts {
  readonly label: TextWidths;
  readonly detail: TextWidths;
  readonly labelFont: string;
  readonly detailFont: string;
}

interface Label {
  readonly look: Look;
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
}

/** Where the bars of a lane are. */
export function barsOf(
  row: { y: number; height: number; collapsed: boolean },
  labelled: boolean,
): { y: number; height: number } {
  if (row.collapsed) return { y: row.y + 3, height: row.height - 6 };
  const above = labelled ? 16 : 4;
  return { y: row.y + above, height: row.height - above - 4 };
}

/** Paints what was recorded. It keeps its lists from frame to frame. */
export class LanePainter {
  #batches = new Batches();
  #labels: Label[] = [];

  paint(context: CanvasRenderingContext2D, scene: Scene, fonts: Fonts): void {
    this.#batches.clear();
    this.#labels.length = 0;
    const top = scene.scrollTop;
    const bottom = top + scene.height - scene.axisHeight;
    for (const row of scene.layout.rows) {
      if (row.kind !== 'lane' || row.y + row.height < top || row.y > bottom) continue;
      this.#lane(scene, row);
    }
    this.#batches.paint(context, RADIUS);
    this.#writeLabels(context, fonts);
  }

  #lane(scene: Scene, row: LaneRow): void {
    const bars = barsOf(row, scene.laneLabels);
    const y = scene.axisHeight + bars.y - scene.scrollTop;
    let drawnTo = -Infinity;
    for (const piece of scene.pieces) {
      const { scale } = scene;
      if (piece.span.end <= scale.view.start || piece.span.start >= scale.view.end) continue;
      if (piece.tile === null) {
        this.#skeleton(scene, piece, y, bars.height);
        continue;
      }
      const lane = piece.tile.lanes.get(row.lane.key);
      if (lane === undefined) continue;
      if (lane.exact) this.#events(scene, row, piece, lane, { y, height: bars.height }, drawnTo);
      else this.#cells(scene, row, piece, lane, { y, height: bars.height });
      drawnTo = piece.span.end;
    }
    const live = scene.live.get(row.lane.key);
    if (live !== undefined) this.#live(scene, row, live, { y, height: bars.height });
  }

  /** Cells lie side by side; each is as high as it is covered. Neighbours that look the same become one rectangle. */
  #cells(scene: Scene, row: LaneRow, piece: Piece, lane: LaneSpans, bars: { y: number; height: number }): void {
    const { scale, looks } = scene;
    const from = Math.max(piece.span.start, scale.view.start);
    const until = Math.min(piece.span.end, scale.view.end);
    const bottom = bars.y + bars.height;
    let run: { color: string; height: number; left: number; right: number } | null = null;
    const flush = () => {
      if (run !== null) this.#batches.add(run.color, run.left, bottom - run.height, run.right - run.left, run.height);
      run = null;
    };
    for (let i = firstAfter(lane, from); i < lane.count; i += 1) {
      const start = lane.start[i] ?? 0;
      if (start >= until) break;
      const end = lane.end[i] ?? 0;
      const data = piece.tile?.data[lane.data[i] ?? 0];
      if (data === undefined) continue;
      const left = Math.round(scale.x(Math.max(start, piece.span.start)));
      const right = Math.max(Math.round(scale.x(Math.min(end, piece.span.end))), left + 1);
      const share = end > start ? Math.min((lane.covered[i] ?? 0) / (end - start), 1) : 1;
      const height = Math.max(Math.round(bars.height * share), LEAST_BAR);
      const color = looks.of(row.lane.kind, data).fill;
      const known = run as { color: string; height: number; left: number; right: number } | null;
      if (known !== null && known.color === color && known.height === height && left <= known.right) {
        known.right = Math.max(known.right, right);
      } else {
        flush();
        run = { color, height, left, right };
      }
    }
    flush();
  }

  /** Events as they are. One that reaches over several pieces is painted in the first that is on the screen. */
  #events(
    scene: Scene,
    row: LaneRow,
    piece: Piece,
    lane: LaneSpans,
    bars: { y: number; height: number },
    drawnTo: number,
  ): void {
    const { scale, looks } = scene;
    const live = scene.live.get(row.lane.key);
    for (let i = firstAfter(lane, Math.max(piece.span.start, scale.view.start)); i < lane.count; i += 1) {
      const start = lane.start[i] ?? 0;
      if (start >= piece.span.end || start >= scale.view.end) break;
      if (start < drawnTo || (live !== undefined && lane.id[i] === live.id)) continue;
      const data = piece.tile?.data[lane.data[i] ?? 0];
      if (data === undefined) continue;
      this.#event(scene, row, looks.of(row.lane.kind, data), start, lane.end[i] ?? 0, bars);
    }
  }

  #event(
    scene: Scene,
    row: LaneRow,
    look: Look,
    start: number,
    end: number,
    bars: { y: number; height: number },
  ): void {
    const { scale, width } = scene;
    const left = Math.max(Math.round(scale.x(start)), -8);
    const right = Math.min(Math.max(Math.round(scale.x(end)), left + 1), width + 8);
    if (right - left < ROUND_FROM) {
      this.#batches.add(look.fill, left, bars.y, right - left, bars.height);
      return;
    }
    // A hair of air tells two events of the same colour apart.
    this.#batches.addRound(look.fill, left, bars.y, right - left - 1, bars.height);
    const from = Math.max(left, 0);
    const room = Math.min(right, width) - from;
    if (room >= LABEL_FROM && !row.collapsed && look.label !== '') {
      this.#labels.push({ look, x: from + LABEL_PAD, width: room - 2 * LABEL_PAD, y: bars.y, height: bars.height });
    }
  }

  #live(scene: Scene, row: LaneRow, live: LiveSpan, bars: { y: number; height: number }): void {
    if (live.end < scene.scale.view.start || live.start > scene.scale.view.end) return;
    // From so far away an event is less than a cell; the tiles will have it soon.
    if ((live.end - live.start) / scene.scale.perPixel < 1) return;
    this.#event(scene, row, scene.looks.of(row.lane.kind, live.data), live.start, live.end, bars);
  }

  #skeleton(scene: Scene, piece: Piece, y: number, height: number): void {
    const left = Math.max(Math.round(scene.scale.x(piece.span.start)), 0);
    const right = Math.min(Math.round(scene.scale.x(piece.span.end)), scene.width);
    if (right > left) this.#batches.add(scene.paints.skeleton, left, y + height / 4, right - left, height / 2);
  }

  #writeLabels(context: CanvasRenderingContext2D, fonts: Fonts): void {
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.direction = 'ltr';
    context.font = fonts.labelFont;
    for (const { look, x, width, y, height } of this.#labels) {
      const two = look.detail !== '' && height >= 30;
      const text = fonts.label.fit(look.label, width);
      if (text === '') continue;
      context.fillStyle = look.ink;
      context.fillText(text, x, y + (two ? height / 2 - 8 : height / 2 + 0.5));
    }
    context.font = fonts.detailFont;
    context.globalAlpha = 0.86;
    for (const { look, x, width, y, height } of this.#labels) {
      if (look.detail === '' || height < 30) continue;
      const text = fonts.detail.fit(look.detail, width);
      if (text === '') continue;
      context.fillStyle = look.ink;
      context.fillText(text, x, y + height / 2 + 8);
    }
    context.globalAlpha = 1;
  }
}
