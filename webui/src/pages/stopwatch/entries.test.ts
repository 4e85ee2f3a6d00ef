import { describe, expect, it } from 'vitest';
import type { Calendar } from '../../calendar';
import { byDay, clockText, endOf, entryOf, tagsFrom } from './entries';

const calendar: Calendar = { zone: 'Europe/Berlin', dayStart: '04:00', weekStart: 'Monday' };
const entry = (id: number, timestamp: string, duration: number, running = false) =>
  entryOf({ id, timestamp, duration, data: { running, label: `entry ${id}` } });

describe('an entry', () => {
  it('is what the standard web UI stores, whatever is missing', () => {
    expect(entry(1, '2026-05-01T10:00:00Z', 5)).toEqual({
      id: 1,
      start: '2026-05-01T10:00:00Z',
      duration: 5,
      running: false,
      label: 'entry 1',
      tags: [],
    });
    expect(entryOf({ timestamp: '2026-05-01T10:00:00Z', duration: 0, data: null }).label).toBe('');
    expect(entryOf({ timestamp: 'x', duration: 0, data: { label: 7, tags: ['a', 1], running: 'yes' } })).toMatchObject({
      label: '',
      tags: ['a'],
      running: false,
    });
  });

  it('ends after its duration', () => {
    expect(endOf(entry(1, '2026-05-01T10:00:00.5Z', 1.25))).toBe('2026-05-01T10:00:01.75Z');
  });
});

it('gathers entries by the days of the calendar, newest first, without those that run', () => {
  const days = byDay(
    [
      entry(1, '2026-05-01T10:00:00Z', 60),
      entry(2, '2026-05-02T01:00:00Z', 30), // 03:00 in Berlin: still the first of May
      entry(3, '2026-05-02T02:00:00Z', 10),
      entry(4, '2026-05-02T03:00:00Z', 10, true),
    ],
    calendar,
  );
  expect(days.map((d) => [d.date.toString(), d.total, d.entries.map((e) => e.id)])).toEqual([
    ['2026-05-02', 10, [3]],
    ['2026-05-01', 90, [2, 1]],
  ]);
});

it('reads tags and writes clocks', () => {
  expect(tagsFrom(' work, , Acme ,work')).toEqual(['work', 'Acme']);
  expect(clockText(3_725.9)).toBe('1:02:05');
  expect(clockText(-1)).toBe('0:00:00');
});
