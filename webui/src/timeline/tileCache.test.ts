import { describe, expect, it } from 'vitest';
import { LEVELS, tileSpan } from './levels';
import type { LaneSpans, Tile } from './tile';
import { TileCache } from './tileCache';
import type { Span } from './view';

/** A server that answers when the test says so. */
class Server {
  readonly asked: {
    span: Span;
    signal: AbortSignal;
    answer: (exact?: boolean) => Promise<void>;
    fail: () => Promise<void>;
  }[] = [];

  readonly fetch = (span: Span, _: number, signal: AbortSignal): Promise<Tile> =>
    new Promise((resolve, reject) => {
      this.asked.push({
        span,
        signal,
        answer: async (exact = false) => {
          resolve(tile(span, exact));
          await settled();
        },
        fail: async () => {
          reject(new Error('no'));
          await settled();
        },
      });
    });

  async answerAll(exact = false): Promise<void> {
    for (let i = 0; i < this.asked.length; i += 1) await this.asked[i]?.answer(exact);
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function tile(span: Span, exact: boolean): Tile {
  return { span, data: [], lanes: new Map([['b:x', { exact, count: 0 } as LaneSpans]]) };
}

const LEVEL = LEVELS.indexOf(64_000);
const at = tileSpan(LEVEL, 100_000);
const size = at.end - at.start;
const view = { start: at.start + 1, end: at.end + size - 1 };

function make(server: Server) {
  let now = 0;
  const cache = new TileCache(
    server.fetch,
    256,
    () => undefined,
    () => now,
  );
  return { cache, pass: (time: number) => (now += time) };
}

describe('the cache of tiles', () => {
  it('asks for what is looked at, nearest to the middle first, three at once', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, { start: at.start - 2 * size, end: at.end + 2 * size });
    expect(server.asked.map(({ span }) => (span.start - at.start) / size)).toEqual([0, -1, 1]);
    await server.answerAll();
    expect(server.asked).toHaveLength(5);
    expect(cache.loading).toBe(false);
  });

  it('asks for nothing twice', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, view);
    cache.look(LEVEL, view);
    await server.answerAll();
    cache.look(LEVEL, view);
    expect(server.asked).toHaveLength(2);
  });

  it('gives up what nobody looks at any more', () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, view);
    cache.look(LEVEL, { start: view.start + 50 * size, end: view.end + 50 * size });
    expect(server.asked.slice(0, 2).map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('shows coarser tiles until the finer ones are here, without gaps or overlaps', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL + 3, view);
    await server.answerAll();
    const pieces = cache.pieces(LEVEL, view);
    expect(pieces.every((piece) => piece.tile !== null)).toBe(true);
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) expect(piece.span.start).toBe(pieces[i - 1]?.span.end);
    }
    expect(pieces[0]?.span.start).toBe(at.start);
    cache.look(LEVEL, view);
    await server.answerAll();
    expect(cache.pieces(LEVEL, view).map((piece) => piece.tile?.span)).toEqual([at, tileSpan(LEVEL, 100_001)]);
  });

  it('shows finer tiles when somebody has zoomed out', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, view);
    await server.answerAll();
    const shown = cache.pieces(LEVEL + 1, view).filter((piece) => piece.tile !== null);
    expect(shown[0]?.span.start).toBe(at.start);
    expect(shown.at(-1)?.span.end).toBe(at.end + size);
    expect(shown.every((piece, i) => i === 0 || piece.span.start === shown[i - 1]?.span.end)).toBe(true);
  });

  it('asks for nothing finer where each event is here already', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, view);
    await server.answerAll(true);
    const asked = server.asked.length;
    cache.look(LEVEL - 4, { start: at.start + size / 4, end: at.start + size / 2 });
    expect(server.asked).toHaveLength(asked);
    cache.invalidate({ start: at.start, end: at.start + 1 });
    cache.look(LEVEL - 4, { start: at.start + size / 4, end: at.start + size / 2 });
    expect(server.asked.length).toBeGreaterThan(asked);
  });

  it('loads again what has changed, and shows the old until then', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, view);
    await server.answerAll();
    const old = cache.pieces(LEVEL, view)[0]?.tile;
    cache.invalidate({ start: at.start, end: at.start + 1 });
    expect(server.asked).toHaveLength(3);
    expect(cache.pieces(LEVEL, view)[0]?.tile).toBe(old);
    await server.asked[2]?.answer();
    expect(cache.pieces(LEVEL, view)[0]?.tile).not.toBe(old);
    expect(server.asked).toHaveLength(3);
  });

  it('does not keep an answer that may be older than a change', async () => {
    const server = new Server();
    const { cache } = make(server);
    cache.look(LEVEL, { start: at.start + 1, end: at.end - 1 });
    cache.invalidate(null);
    await server.asked[0]?.answer();
    expect(cache.pieces(LEVEL, { start: at.start + 1, end: at.end - 1 })[0]?.tile).toBeNull();
    expect(server.asked).toHaveLength(2);
  });

  it('tries again after a failure, but not at once', async () => {
    const server = new Server();
    const { cache, pass } = make(server);
    const one = { start: at.start + 1, end: at.end - 1 };
    pass(1000);
    cache.look(LEVEL, one);
    await server.asked[0]?.fail();
    cache.look(LEVEL, one);
    expect(server.asked).toHaveLength(1);
    pass(5000);
    cache.look(LEVEL, one);
    expect(server.asked).toHaveLength(2);
  });
});
