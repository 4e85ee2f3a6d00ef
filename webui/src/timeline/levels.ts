import type { Span } from './view';

/** How many cells of the server's grid a tile has. A tile is what is asked for and kept as one. */
export const TILE_CELLS = 256;
/** A cell is at least that wide on the screen, and less than about twice as much. */
export const CELL_PIXELS = 2;

/**
 * The lengths of cells, in milliseconds: each about twice the one before, all of them in the series of the server (docs/timeline.md).
 * A tile of TILE_CELLS cells that begins at a multiple of its length is answered with exactly this resolution.
 */
export const LEVELS: readonly number[] = [1, 1000, 1_000_000, 1_000_000_000].flatMap((thousand) =>
  [1, 2, 4, 8, 16, 32, 64, 125, 250, 500].map((step) => step * thousand),
);

export const COARSEST = LEVELS.findIndex((cell) => cell >= 2_000_000_000);

/** The level for so many milliseconds a pixel. */
export function levelFor(perPixel: number): number {
  const found = LEVELS.findIndex((cell) => cell >= perPixel * CELL_PIXELS);
  return found < 0 ? COARSEST : Math.min(found, COARSEST);
}

export function tileLength(level: number): number {
  return (LEVELS[level] ?? 1) * TILE_CELLS;
}

export function tileSpan(level: number, index: number): Span {
  const size = tileLength(level);
  return { start: index * size, end: (index + 1) * size };
}

/** The numbers of the tiles that a time lies in: the first, and the one after the last. */
export function tilesOf(level: number, span: Span): { first: number; end: number } {
  const size = tileLength(level);
  return {
    first: Math.floor(span.start / size),
    end: Math.max(Math.ceil(span.end / size), Math.floor(span.start / size) + 1),
  };
}
