import { describe, expect, it } from 'vitest';
import { Found } from './found';
import { readTile } from './tile';

const at = (minute: number) => new Date(Date.UTC(2026, 2, 2, 10, minute)).toISOString();
const time = (minute: number) => Date.parse(at(minute));
const stored = (from: number, to: number, id: number) => ({
  start: at(from),
  end: at(to),
  covered: (to - from) * 60,
  time: (to - from) * 60,
  data: 0,
  events: 1,
  id,
});
const span = { start: time(0), end: time(60) };
const answer = {
  start: at(0),
  end: at(60),
  data: [{ app: 'Code' }],
  lanes: [{ bucket: 'w', resolution: null, spans: [stored(5, 10, 1), stored(20, 30, 2)] }],
};
const pieces = [{ span, tile: readTile(answer, span) }];
const going = { id: 2, data: { app: 'Code' }, start: time(20), end: time(50) };
const found = new Found(pieces, new Map([['b:w', going]]));
const lane = 'b:w';
const ids = (targets: readonly { id: number | null }[]) => targets.map(({ id }) => id);

describe('what is found in a lane', () => {
  it('is the span that goes on now rather than what was stored of it', () => {
    expect(found.at(lane, time(45), 0)).toMatchObject({ id: 2, end: time(50) });
    expect(new Found(pieces, new Map()).at(lane, time(45), 0)).toBeNull();
    expect(found.at(lane, time(12), 0)).toBeNull();
    expect(found.at(lane, time(12), 3 * 60_000)).toMatchObject({ id: 1 });
  });

  it('has each span of the view once', () => {
    expect(ids(found.within(lane, span))).toEqual([1, 2]);
    expect(ids(found.within(lane, { start: time(35), end: time(40) }))).toEqual([2]);
    expect(ids(found.within(lane, { start: time(11), end: time(15) }))).toEqual([]);
    expect(ids(found.within('b:other', span))).toEqual([]);
  });

  it('is walked through from one to the next', () => {
    const first = found.beside(lane, null, 1, time(0));
    expect(first).toMatchObject({ id: 1 });
    expect(found.beside(lane, first, 1, 0)).toMatchObject({ id: 2 });
    expect(found.beside(lane, first, -1, 0)).toBeNull();
    // What was chosen in another lane says nothing about this one.
    expect(found.beside(lane, { ...going, lane: 'b:x', covered: 0, time: 0, events: 1 }, 1, time(29))).toMatchObject({
      id: 2,
    });
  });
});
