import { expect, it } from 'vitest';
import { sumLabels } from './stopwatches';

const period = { start: '2026-05-12T02:00:00Z', end: '2026-05-13T02:00:00Z' };
const now = Date.parse('2026-05-12T12:00:00Z');
const event = (timestamp: string, duration: number, data: object) => ({ timestamp, duration, data });

it('adds up the labels of stopwatches within the period, with what runs until now', () => {
  expect(
    sumLabels(
      [
        event('2026-05-12T11:30:00Z', 0, { label: 'call', running: true }),
        event('2026-05-12T08:00:00Z', 600, { label: 'report', running: false }),
        event('2026-05-12T09:00:00Z', 300, { label: 'report', running: false }),
        event('2026-05-12T01:50:00Z', 900, { label: 'night' }),
        event('2026-05-11T08:00:00Z', 900, { label: 'yesterday' }),
        event('2026-05-12T10:00:00Z', 60, {}),
        event('2026-05-12T10:30:00Z', 61, { label: '__proto__' }),
      ],
      period,
      now,
    ),
  ).toEqual([
    { label: 'call', seconds: 1800 },
    { label: 'report', seconds: 900 },
    { label: 'night', seconds: 300 },
    { label: '__proto__', seconds: 61 },
    { label: '', seconds: 60 },
  ]);
});
