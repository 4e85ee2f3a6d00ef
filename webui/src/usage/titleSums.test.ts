import { expect, it } from 'vitest';
import { adding, usageFrom } from './titleSums';

it('adds up what the program of the server returns', () => {
  const lines = adding('events = a;\nRETURN = events;', 7).split('\n');
  expect(lines[0]).toBe('events = a;');
  expect(lines[1]).toContain('["title"])), 7)');
  expect(lines).toHaveLength(3);
});

it('keeps the total, also of titles that are not listed and of pages without one', () => {
  const frame = { start: 'a', end: 'b', by: 'domain', duration: 9, intervals: [], groups: [] };
  const others = { count: 0, duration: 0, intervals: [] };
  const usage = usageFrom(
    { ...frame, others },
    {
      total: 10,
      groups: [
        { duration: 6, data: { title: 'News' } },
        { duration: 3, data: {} },
      ],
    },
  );
  expect(usage.groups.map(({ value, duration }) => [value, duration])).toEqual([
    ['News', 6],
    [null, 3],
  ]);
  expect(usage).toMatchObject({ start: 'a', end: 'b', duration: 10, others: { count: 1, duration: 1 } });
});
