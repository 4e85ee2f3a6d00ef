import { COARSEST, tileLength, tileSpan, tilesOf } from './levels';
import { isExact, type Tile } from './tile';
import { middle, YEAR, type Span } from './view';

export type FetchTile = (span: Span, cells: number, signal: AbortSignal) => Promise<Tile>;

/** A part of time with the best tile that is here for it. */
export interface Piece {
  readonly span: Span;
  readonly tile: Tile | null;
}

interface Slot {
  readonly level: number;
  readonly index: number;
  tile: Tile | null;
  stale: boolean;
  used: number;
  loading: AbortController | null;
  failedAt: number;
}

const KEPT = 240;
const AT_ONCE = 3;
const RETRY_AFTER = 4000;

/**
 * Tiles that are here, and those that are wanted. It asks for the tiles of what is looked at, nearest to the middle first, a few at once; gives
 * up what nobody looks at any more; and answers with coarser or finer tiles until the right ones are here.
 */
export class TileCache {
  #slots = new Map<string, Slot>();
  #wanted: Slot[] = [];
  #clock = 0;
  #pieces = new Map<string, readonly Piece[]>();

  constructor(
    private readonly fetchTile: FetchTile,
    private readonly cells: number,
    private readonly changed: (error?: unknown) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Something that was looked at is still on its way. */
  get loading(): boolean {
    return this.#wanted.some((slot) => slot.loading !== null || this.#due(slot));
  }

  /** Looks at a part of time: what is missing is asked for, what else is on its way is given up. */
  look(level: number, span: Span): void {
    this.#clock += 1;
    const wanted: Slot[] = [];
    for (const index of indexes(level, span)) {
      const slot = this.#slot(level, index);
      slot.used = this.#clock;
      if (slot.tile === null && this.#exactAbove(level, tileSpan(level, index))) continue;
      wanted.push(slot);
    }
    const center = middle(span);
    const distance = (slot: Slot) => Math.abs(middle(tileSpan(slot.level, slot.index)) - center);
    this.#wanted = wanted.sort((a, b) => distance(a) - distance(b));
    for (const slot of this.#slots.values()) {
      if (slot.loading !== null && !this.#wanted.includes(slot)) slot.loading.abort();
    }
    this.#pump();
  }

  /** The best that is here for a part of time, from left to right. Pieces without a tile are not here in any resolution. */
  pieces(level: number, span: Span): readonly Piece[] {
    const result: Piece[] = [];
    for (const index of indexes(level, span)) {
      const key = `${level}/${index}`;
      let known = this.#pieces.get(key);
      if (known === undefined) {
        known = this.#best(level, index);
        this.#pieces.set(key, known);
      }
      result.push(...known);
    }
    return result;
  }

  /** What was recorded in this time has changed: it stays on the screen until the new is here. */
  invalidate(span: Span | null): void {
    for (const slot of this.#slots.values()) {
      const own = tileSpan(slot.level, slot.index);
      if (span !== null && (own.end <= span.start || own.start >= span.end)) continue;
      slot.stale = true;
      // What is on its way may have been read before the change.
      slot.loading?.abort();
    }
    this.#pump();
  }

  retry(): void {
    for (const slot of this.#slots.values()) slot.failedAt = -Infinity;
    this.#pump();
  }

  close(): void {
    this.#wanted = [];
    for (const slot of this.#slots.values()) slot.loading?.abort();
  }

  #slot(level: number, index: number): Slot {
    const key = `${level}/${index}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { level, index, tile: null, stale: false, used: this.#clock, loading: null, failedAt: -Infinity };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  #due(slot: Slot): boolean {
    return (slot.tile === null || slot.stale) && this.now() - slot.failedAt >= RETRY_AFTER;
  }

  #pump(): void {
    let running = 0;
    for (const slot of this.#slots.values()) if (slot.loading !== null) running += 1;
    for (const slot of this.#wanted) {
      if (running >= AT_ONCE) return;
      if (slot.loading !== null || !this.#due(slot)) continue;
      running += 1;
      void this.#load(slot);
    }
  }

  async #load(slot: Slot): Promise<void> {
    const controller = new AbortController();
    slot.loading = controller;
    let error: unknown;
    try {
      const tile = await this.fetchTile(tileSpan(slot.level, slot.index), this.cells, controller.signal);
      if (!controller.signal.aborted) {
        slot.tile = tile;
        slot.stale = false;
        this.#pieces.clear();
        this.#forget();
      }
    } catch (thrown) {
      if (!controller.signal.aborted) {
        slot.failedAt = this.now();
        error = thrown;
      }
    }
    slot.loading = null;
    this.#pump();
    this.changed(error);
  }

  #best(level: number, index: number): readonly Piece[] {
    const span = tileSpan(level, index);
    const own = this.#slots.get(`${level}/${index}`)?.tile ?? null;
    if (own !== null) return [{ span, tile: own }];
    const coarser = this.#coarser(level + 1, span);
    if (coarser.every((piece) => piece.tile !== null)) return coarser;
    return this.#finer(level, span) ?? coarser;
  }

  /** Tiles of coarser levels; where one is missing, of the next coarser one. */
  #coarser(level: number, span: Span): readonly Piece[] {
    if (level > COARSEST) return [{ span, tile: null }];
    return indexes(level, span).flatMap((index) => {
      const own = tileSpan(level, index);
      const part = { start: Math.max(own.start, span.start), end: Math.min(own.end, span.end) };
      const tile = this.#slots.get(`${level}/${index}`)?.tile ?? null;
      return tile !== null ? [{ span: part, tile }] : this.#coarser(level + 1, part);
    });
  }

  /** While somebody zooms out, the tiles of before are finer than needed, but here. Two levels down would be too many of them. */
  #finer(level: number, span: Span): readonly Piece[] | null {
    for (const below of [level - 1, level - 2]) {
      if (below < 0) return null;
      const found = indexes(below, span).map((index) => {
        const own = tileSpan(below, index);
        return {
          span: { start: Math.max(own.start, span.start), end: Math.min(own.end, span.end) },
          tile: this.#slots.get(`${below}/${index}`)?.tile ?? null,
        };
      });
      if (found.some((piece) => piece.tile !== null)) return found;
    }
    return null;
  }

  /** Whether coarser tiles that are here have each event of this time, so that a finer one has nothing to add. */
  #exactAbove(level: number, span: Span): boolean {
    for (let above = level + 1; above <= COARSEST; above += 1) {
      const slots = indexes(above, span).map((index) => this.#slots.get(`${above}/${index}`));
      if (slots.every((slot) => slot !== undefined && slot.tile !== null && !slot.stale && isExact(slot.tile)))
        return true;
    }
    return false;
  }

  /** Keeps what was used last, and the coarsest tiles: they are what is shown while others load. */
  #forget(): void {
    const old = [...this.#slots.entries()].filter(
      ([, slot]) => slot.loading === null && slot.used < this.#clock && tileLength(slot.level) < YEAR,
    );
    old.sort(([, a], [, b]) => a.used - b.used);
    for (const [key] of old.slice(0, Math.max(old.length - KEPT, 0))) this.#slots.delete(key);
  }
}

function indexes(level: number, span: Span): number[] {
  const { first, end } = tilesOf(level, span);
  return Array.from({ length: end - first }, (_, i) => first + i);
}
