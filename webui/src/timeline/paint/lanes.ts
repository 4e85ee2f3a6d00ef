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

interface Bars {
  readonly y: number;
  readonly height: number;
}

/** Where the bars of a lane are. */
export function barsOf(row: { y: number; height: number; collapsed: boolean }, labelled: boolean): Bars {
  if (row.collapsed) return { y: row.y + 3, height: row.height - 6 };
  const above = labelled ? 16 : 4;
  return { y: row.y + above, height: row.height - above - 4 };
}

/** Neighbouring cells of the same colour and height, as one rectangle. */
class Run {
  #color = '';
  #height = 0;
  #above = 0;
  #left = 0;
  #right = -Infinity;

  constructor(
    private readonly batches: Batches,
    private readonly bars: Bars,
  ) {}

  /** As high as the share of the lane; of that, `below` is left out. */
  add(color: string, share: number, left: number, right: number, below = 0): void {
    if (share - below <= 1e-6) return;
    const above = Math.round(this.bars.height * below);
    const height = Math.max(Math.round(this.bars.height * Math.min(share, 1)) - above, LEAST_BAR);
    if (color === this.#color && height === this.#height && above === this.#above && left <= this.#right) {
      this.#right = Math.max(this.#right, right);
      return;
    }
    this.flush();
    this.#color = color;
    this.#height = height;
    this.#above = above;
    this.#left = left;
    this.#right = right;
  }

  flush(): void {
    if (this.#right <= this.#left) return;
    const top = this.bars.y + this.bars.height - this.#above - this.#height;
    this.batches.add(this.#color, this.#left, top, this.#right - this.#left, this.#height);
    this.#right = -Infinity;
  }
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

  /**
   * Cells lie side by side. What is seldom there (a category) is as strong as it is covered, because a bar would be too low to be seen; everything
   * else is as high. Neighbours that look the same become one rectangle.
   */
  #cells(scene: Scene, row: LaneRow, piece: Piece, lane: LaneSpans, bars: Bars): void {
    const { scale } = scene;
    const from = Math.max(piece.span.start, scale.view.start);
    const until = Math.min(piece.span.end, scale.view.end);
    const run = new Run(this.#batches, bars);
    const active = new Run(this.#batches, bars);
    for (let i = firstAfter(lane, from); i < lane.count; i += 1) {
      const start = lane.start[i] ?? 0;
      if (start >= until) break;
      const end = lane.end[i] ?? 0;
      const data = piece.tile?.data[lane.data[i] ?? 0];
      if (data === undefined) continue;
      const left = Math.round(scale.x(Math.max(start, piece.span.start)));
      const right = Math.max(Math.round(scale.x(Math.min(end, piece.span.end))), left + 1);
      const size = Math.max(end - start, 1e-9);
      const covered = Math.min((lane.covered[i] ?? 0) / size, 1);
      const look = scene.looks.of(row.lane.kind, data);
      if (row.lane.kind === 'category') {
        run.add(look.shades[Math.ceil(Math.sqrt(covered) * (look.shades.length - 1))] ?? look.fill, 1, left, right);
      } else if (row.lane.kind === 'afk') {
        // Two states share the cell: the one with the most time, and the other one.
        const most = (lane.time[i] ?? 0) / size;
        const there = Math.max(data['status'] === 'not-afk' ? most : covered - most, 0);
        active.add(scene.looks.active.fill, there, left, right);
        run.add(scene.looks.away.fill, covered, left, right, there);
      } else run.add(look.fill, covered, left, right);
    }
    run.flush();
    active.flush();
  }

  /** Events as they are. One that reaches over several pieces is painted in the first that is on the screen. */
  #events(scene: Scene, row: LaneRow, piece: Piece, lane: LaneSpans, bars: Bars, drawnTo: number): void {
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

  #event(scene: Scene, row: LaneRow, look: Look, start: number, end: number, bars: Bars): void {
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

  #live(scene: Scene, row: LaneRow, live: LiveSpan, bars: Bars): void {
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
