import { describe, expect, it } from 'vitest';
import { EventRows, type EventRow, type EventSource } from './eventRows';

/** A server as plain as can be: a list of events, newest last. A cursor is a number in it. */
function model(starts: readonly number[]): { source: EventSource; events: EventRow[]; requests: () => number } {
  const events = starts.map((start, id) => ({
    id,
    timestamp: new Date(start).toISOString(),
    duration: 1,
    data: { n: id },
  }));
  let requests = 0;
  const before = (end: string | null | undefined) =>
    end === null || end === undefined ? events.length : starts.filter((start) => start <= Date.parse(end)).length;
  const source: EventSource = {
    count: (end) => {
      requests += 1;
      return Promise.resolve(before(end));
    },
    slice: ({ end, cursor, limit }) => {
      requests += 1;
      let to = before(end);
      if (cursor !== undefined) {
        const [side, at] = cursor.split(':');
        to = side === 'older' ? Number(at) : Math.min(Number(at) + limit, events.length);
      }
      const from = Math.max(to - limit, 0);
      return Promise.resolve({
        events: events.slice(from, to).toReversed(),
        next: from === 0 ? null : `older:${from}`,
        prev: `newer:${to}`,
      });
    },
  };
  return { source, events, requests: () => requests };
}

async function look(rows: EventRows, first: number, end: number): Promise<(number | undefined)[]> {
  rows.need(first, end);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return Array.from({ length: end - first }, (_, i) => rows.row(first + i)?.id);
}

const EXTENT = { start: '2026-01-01T00:00:00Z', end: '2026-12-31T00:00:00.5Z' };
const FROM = Date.parse(EXTENT.start);
const SPAN = Date.parse('2026-12-31T00:00:00Z') - FROM;
const fail = (error: unknown) => expect.unreachable(String(error));

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

describe('rows of a bucket', () => {
  for (const [name, shape] of Object.entries({
    even: (x: number) => x,
    'all at the end': (x: number) => 1 - (1 - x) ** 12 / 1e6,
    'in two bursts': (x: number) => (x < 0.5 ? x / 1e4 : 1 - (1 - x) / 1e4),
    'many at the same instant': (x: number) => Math.round(x * 50) / 50,
  })) {
    it(`are those of the server wherever one looks: ${name}`, async () => {
      const next = random(7);
      const count = 20_000;
      const starts = Array.from({ length: count }, () => FROM + Math.floor(shape(next()) * SPAN)).sort((a, b) => a - b);
      const { source } = model(starts);
      const rows = new EventRows(source, count, EXTENT, () => undefined, fail);
      for (let tries = 0; tries < 40; tries += 1) {
        const first = tries === 0 ? count - 50 : Math.floor(next() * (count - 50));
        const ids = await look(rows, first, first + 50);
        expect(ids).toEqual(Array.from({ length: 50 }, (_, i) => first + i));
      }
    });
  }

  it('reads on with one request for each page', async () => {
    const starts = Array.from({ length: 5000 }, (_, i) => FROM + i * 1000);
    const { source, requests } = model(starts);
    const rows = new EventRows(source, 5000, EXTENT, () => undefined, fail);
    for (let first = 4900; first >= 0; first -= 100) await look(rows, first, first + 100);
    expect(requests()).toBe(25);
  });

  it('stay where they are when newer events come', async () => {
    const starts = Array.from({ length: 450 }, (_, i) => FROM + i * 1000);
    const { source } = model(starts);
    const rows = new EventRows(source, 430, EXTENT, () => undefined, fail);
    rows.grow(450);
    expect(await look(rows, 400, 450)).toEqual(Array.from({ length: 50 }, (_, i) => 400 + i));
    expect(await look(rows, 0, 5)).toEqual([0, 1, 2, 3, 4]);
  });
});
