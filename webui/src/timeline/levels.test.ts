import { describe, expect, it } from 'vitest';
import { CELL_PIXELS, COARSEST, levelFor, LEVELS, TILE_CELLS, tileSpan, tilesOf } from './levels';
import { LONGEST, SHORTEST } from './view';

/** The series of docs/timeline.md. */
const SERIES = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8];

describe('levels', () => {
  it('are resolutions that the server has', () => {
    for (const cell of LEVELS) {
      const seconds = cell / 1000;
      const power = 10 ** Math.floor(Math.log10(seconds) + 1e-9);
      expect(
        SERIES.some((step) => Math.abs(step - seconds / power) < 1e-9),
        `${seconds} s`,
      ).toBe(true);
    }
  });

  it('have tiles for which the server has no finer resolution', () => {
    for (const cell of LEVELS) {
      const finer = SERIES.flatMap((step) =>
        [0.1, 1].map((tens) => step * tens * 10 ** Math.floor(Math.log10(cell) + 1e-9)),
      );
      const next = Math.max(...finer.filter((size) => size < cell * (1 - 1e-9)));
      expect((cell * TILE_CELLS) / next).toBeGreaterThan(TILE_CELLS);
    }
  });

  it('give cells of two pixels and a little more, from a second to twenty years', () => {
    for (let shown = SHORTEST; shown <= LONGEST; shown *= 1.3) {
      for (const width of [320, 1200, 3600]) {
        const perPixel = shown / width;
        if (levelFor(perPixel) === COARSEST) continue;
        const pixels = (LEVELS[levelFor(perPixel)] ?? 0) / perPixel;
        expect(pixels).toBeGreaterThanOrEqual(perPixel < 0.5 ? 0 : CELL_PIXELS * 0.999);
        if (perPixel > 0.5) expect(pixels).toBeLessThanOrEqual(CELL_PIXELS * 2.001);
      }
    }
  });

  it('cover a time without gaps', () => {
    const span = { start: Date.UTC(2026, 2, 2, 7, 13), end: Date.UTC(2026, 2, 4, 5) };
    for (let level = 0; level <= COARSEST; level += 1) {
      if (LEVELS[level] !== undefined && LEVELS[level] < 1000) continue;
      const { first, end } = tilesOf(level, span);
      expect(tileSpan(level, first).start).toBeLessThanOrEqual(span.start);
      expect(tileSpan(level, end - 1).end).toBeGreaterThanOrEqual(span.end);
      expect(tileSpan(level, first).end).toBeGreaterThan(span.start);
    }
  });
});
