import { Found } from './found';
import type { TimelineEvents, TimelineInput } from './contract';
import { Gestures } from './gestures';
import { rowAt } from './lanes';
import { levelFor, TILE_CELLS } from './levels';
import { Motion } from './motion';
import { Painter } from './paint/painter';
import type { LiveSpan, Marks, Scene, Target } from './paint/scene';
import { Ticks } from './ticks';
import { TileCache, type FetchTile, type Piece } from './tileCache';
import { around, clamp, length, middle, pan, Scale, uncovered, zoom, type Span } from './view';

export const AXIS_HEIGHT = 44;
const SETTLE = 140;
const SLACK_PIXELS = 3;
const NO_LIVE: ReadonlyMap<string, LiveSpan> = new Map();

/**
 * The timeline on two canvases. It is told what to show and tells what somebody did; it knows nothing of pages and requests. Everything is painted
 * in animation frames, and only if something has changed.
 */
export class Timeline {
  #view: Span = { start: 0, end: 1 };
  #width = 0;
  #height = 0;
  #scrollTop = 0;
  #input: TimelineInput | null = null;
  #cache: TileCache | null = null;
  #marks: Marks = { hover: null, selected: null, cursor: null, range: null, pointer: null };
  #dirty = { base: true, overlay: true };
  #frame = 0;
  #settleTimer = 0;
  readonly #motion = new Motion(() => matchMedia('(prefers-reduced-motion: reduce)').matches);
  readonly #ticks = new Ticks();
  readonly #painter: Painter;
  readonly #gestures: Gestures;

  constructor(
    base: HTMLCanvasElement,
    overlay: HTMLCanvasElement,
    private readonly events: TimelineEvents,
  ) {
    this.#painter = new Painter(base, overlay);
    this.#gestures = new Gestures(
      overlay,
      {
        pan: (pixels, vertical) => this.#drag(pixels, vertical),
        zoom: (factor, x, smooth) => this.zoomAt(factor, x, smooth),
        released: (speed) => (this.#motion.throw(speed, performance.now()), this.#request()),
        range: (from, to, done) => this.#markRange(from, to, done),
        hover: (x, y) => this.#hover(x, y),
        leave: () => this.#hover(null, 0),
        click: (x, y) => this.events.pick(this.targetAt(x, y), this.#scale().time(x)),
        double: (x, y) => this.#double(x, y),
        grab: () => this.#motion.stop(),
      },
      { marks: (_, y) => y < AXIS_HEIGHT || this.#input?.marking === true },
    );
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settleTimer);
    this.#gestures.close();
    this.#cache?.close();
  }

  // What is shown

  get view(): Span {
    return this.#motion.goal(this.#view);
  }

  set(input: TimelineInput): void {
    this.#input = input;
    this.#paintAll();
  }

  /** Another source: other lanes, or another moment of the log. What was here is of no use any more. */
  source(fetch: FetchTile): void {
    this.#cache?.close();
    this.#cache = new TileCache(fetch, TILE_CELLS, (error) => {
      this.#paintAll();
      this.events.loaded(this.#cache?.loading === true, error);
    });
    this.#look();
    this.#paintAll();
  }

  resize(width: number, height: number): void {
    if (width === this.#width && height === this.#height) return;
    this.#width = width;
    this.#height = height;
    this.#painter.resize(width, height);
    // At once: a canvas that has got another size is empty.
    this.#paint(performance.now());
    this.#settleSoon();
  }

  scrollTo(top: number): void {
    if (top === this.#scrollTop) return;
    this.#scrollTop = top;
    this.#paintAll();
  }

  show(view: Span, animate = false): void {
    if (animate) this.#view = this.#motion.glide(this.#view, view, performance.now());
    else {
      this.#motion.stop();
      this.#view = clamp(view);
    }
    this.#moved();
  }

  zoomAt(factor: number, x: number, smooth = true): void {
    const goal = this.#motion.goal(this.#view);
    const anchor = new Scale(goal, this.#width).time(x);
    this.show(zoom(goal, factor, anchor), smooth);
  }

  zoomBy(factor: number): void {
    const cursor = this.#marks.cursor;
    const scale = new Scale(this.view, this.#width);
    const inside = cursor !== null && cursor.start >= this.view.start && cursor.start < this.view.end;
    this.zoomAt(factor, inside ? scale.x(cursor.start) : this.#width / 2);
  }

  panBy(share: number): void {
    this.show(pan(this.view, length(this.view) * share), true);
  }

  /** Moves what is below a panel of that width at the right edge into sight. */
  uncover(span: Span, panel: number): void {
    const view = uncovered(this.view, span, this.#width, panel);
    if (view !== null) this.show(view, true);
  }

  mark(marks: Partial<Marks>): void {
    this.#marks = { ...this.#marks, ...marks };
    this.#dirty.overlay = true;
    this.#request();
  }

  /** Something was recorded or changed in this time; null: anywhere. */
  changed(span: Span | null): void {
    this.#cache?.invalidate(span);
  }

  retry(): void {
    this.#cache?.retry();
  }

  /** The clock goes on: the line of now moves. */
  tick(): void {
    this.#dirty.overlay = true;
    this.#request();
  }

  // What is where

  get scale(): Scale {
    return this.#scale();
  }

  targetAt(x: number, y: number): Target | null {
    if (this.#input === null || y < AXIS_HEIGHT) return null;
    const row = rowAt(this.#input.layout, y - AXIS_HEIGHT + this.#scrollTop);
    if (row?.kind !== 'lane') return null;
    const scale = this.#scale();
    return this.#found().at(row.lane.key, scale.time(x), scale.perPixel * SLACK_PIXELS);
  }

  /** All spans of a lane that are on the screen. */
  targets(lane: string): Target[] {
    return this.#found().within(lane, this.#view);
  }

  /** The span of a lane before or after another one, or near the middle of the screen. */
  step(lane: string, from: Target | null, direction: 1 | -1): Target | null {
    const wider = { start: this.#view.start - length(this.#view), end: this.#view.end + length(this.#view) };
    return this.#found(wider).beside(lane, from, direction, middle(this.#view));
  }

  #found(span = this.#view): Found {
    const pieces = this.#cache?.pieces(this.#level(), span) ?? [];
    return new Found(pieces, this.#input?.live ?? NO_LIVE);
  }

  // What somebody does

  #drag(pixels: number, vertical: number): void {
    this.#view = pan(this.#view, -pixels * this.#scale().perPixel);
    if (vertical !== 0) this.events.scroll(-vertical);
    this.#moved();
  }

  #markRange(from: number, to: number, done: boolean): void {
    const scale = this.#scale();
    const range = { start: scale.time(Math.min(from, to)), end: scale.time(Math.max(from, to)) };
    this.mark({ range, hover: null });
    this.events.range(range, done);
  }

  #hover(x: number | null, y: number): void {
    const target = x === null ? null : this.targetAt(x, y);
    this.mark({ hover: target, pointer: x });
    this.events.hover(target, x ?? 0, y);
  }

  #double(x: number, y: number): void {
    const target = this.targetAt(x, y);
    if (target === null || target.end <= target.start) this.zoomAt(0.4, x);
    else this.show(around(target), true);
  }

  // Frames

  #moved(): void {
    this.events.view(this.#view, false);
    this.#settleSoon();
    this.#paintAll();
  }

  #settleSoon(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = window.setTimeout(() => {
      if (this.#motion.running) return;
      this.#look();
      this.events.view(this.#view, true);
    }, SETTLE);
  }

  /** Asks for what is on the screen, and a little around it. */
  #look(): void {
    if (this.#cache === null || this.#width === 0) return;
    const margin = length(this.#view) * 0.4;
    this.#cache.look(this.#level(), { start: this.#view.start - margin, end: this.#view.end + margin });
    this.events.loaded(this.#cache.loading, undefined);
  }

  #paintAll(): void {
    this.#dirty = { base: true, overlay: true };
    this.#request();
  }

  #request(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#onFrame(now));
  }

  #onFrame(now: number): void {
    this.#frame = 0;
    if (this.#motion.running) {
      this.#view = this.#motion.step(this.#view, now, this.#width);
      this.#moved();
    }
    this.#paint(now);
  }

  #paint(now: number): void {
    if (this.#input === null || this.#width === 0) return;
    const began = performance.now();
    const scene = this.#scene(this.#input);
    if (this.#dirty.base) this.#painter.base(scene);
    this.#painter.overlay(scene, this.#marks);
    this.#dirty = { base: false, overlay: false };
    performance.measure('timberline:frame', { start: began, end: performance.now(), detail: now });
    // Observers have got it already; without this the browser would keep all of them.
    performance.clearMeasures('timberline:frame');
  }

  #scene(input: TimelineInput): Scene {
    return {
      ...input,
      scale: this.#scale(),
      width: this.#width,
      height: this.#height,
      axisHeight: AXIS_HEIGHT,
      scrollTop: this.#scrollTop,
      pieces: this.#pieces(),
      axis: this.#ticks.of(this.#view, this.#scale().perPixel, input),
      now: Date.now(),
    };
  }

  #scale(): Scale {
    return new Scale(this.#view, this.#width);
  }

  #level(): number {
    return levelFor(this.#scale().perPixel);
  }

  #pieces(): readonly Piece[] {
    return this.#cache?.pieces(this.#level(), this.#view) ?? [];
  }
}
