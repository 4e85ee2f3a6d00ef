import { expect, it } from 'vitest';
import type { Looks } from './looks';
import { columnsOf } from './strip';
import { readTile } from './tile';
import { HOUR } from './view';

const looks = { of: (_: string, data: { app: string }) => ({ fill: data.app }) } as unknown as Looks;

it('adds up what each colour has in each column, and loses nothing at their edges', () => {
  const span = { start: 0, end: 4 * HOUR };
  const iso = (hours: number) => new Date(hours * HOUR).toISOString();
  const answer = {
    start: iso(0),
    end: iso(4),
    data: [{ app: 'red' }, { app: 'blue' }],
    lanes: [
      {
        bucket: 'x',
        resolution: 3600,
        spans: [
          { start: iso(-1), end: iso(1.5), covered: 2.5 * 3600, data: 0, time: 1, events: 2 },
          { start: iso(2), end: iso(4), covered: 3600, data: 1, time: 1, events: 2 },
        ],
      },
    ],
  };
  const columns = columnsOf(readTile(answer as never, span), span, 4, looks, () => 'window');
  expect(columns.map((column) => Object.fromEntries(column))).toEqual([
    { red: HOUR },
    { red: HOUR / 2 },
    { blue: HOUR / 2 },
    { blue: HOUR / 2 },
  ]);
});
